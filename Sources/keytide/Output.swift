import ExposureKeys
import FeedStore
import Foundation
import HTTP2
import Synchronization

/// What commands print: results on standard output, progress and errors on standard error. Texts of others, such as the
/// name of an operator in a request, never command the terminal.
enum Output {
    /// A line of a result. If it cannot be written the work goes on, and `checkWhole` says so at the end.
    static func line(_ text: String) {
        result(PrintableText.spelled(text, keepingLines: true) + "\n")
    }

    /// A result as it is.
    static func result(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            fail(errno, error)
        }
    }

    /// What is said beside the result; nobody reads it if it cannot be written.
    static func progress(_ text: String) {
        let line = PrintableText.spelled(text, keepingLines: true) + "\n"
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }

    /// Why a part of the result is not where it was to go; the first reason counts.
    private static let failure = Mutex<String?>(nil)

    private static func fail(_ number: Int32, _ error: any Error) {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        let text =
            cause.map { String(cString: strerror(Int32(truncatingIfNeeded: $0.code))) }
            ?? (number == 0 ? SystemReason.text(error) : String(cString: strerror(number)))
        failure.withLock { $0 = $0 ?? text }
    }

    /// A result of which a part is missing must not be taken for one: `status > FILE` on a full disk.
    /// - Throws: `CommandError` if not all of it was written.
    static func checkWhole() throws {
        if let reason = OwnFile.lateFailure(ofWriting: STDOUT_FILENO) { failure.withLock { $0 = $0 ?? reason } }
        guard let reason = failure.withLock({ $0 }) else { return }
        throw CommandError(
            "the result could not be written whole to standard output: \(reason); use nothing of what was written, and "
                + "run this again when that is put right"
        )
    }

    /// One JSON object on one line.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        line(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Columns as wide as their widest cell; the first column to the left, the others to the right.
    static func table(_ rows: [[String]]) {
        let rows = rows.map { $0.map { PrintableText.spelled($0, keepingLines: false) } }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        for (number, row) in rows.enumerated() {
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            line(cells.joined(separator: "  "))
            if number == 0, rows.count > 1 {
                line(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "))
            }
        }
    }

    /// A count with its thousands apart.
    static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var result = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position).isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return number < 0 ? "-" + result : result
    }

    /// A count with its noun, which stands in the plural unless there is one: `1 key`, `1,234 keys`.
    static func counted(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(number == 1 ? noun : Plural.of(noun))"
    }

    /// Numbers come from a node, so that no sum or difference may trap: beyond the range it stays at its end.
    static func sum(_ one: Int, _ two: Int) -> Int {
        let (sum, overflows) = one.addingReportingOverflow(two)
        return overflows ? (two < 0 ? .min : .max) : sum
    }

    static func seconds(from begin: Int64, to end: Int64) -> Int64 {
        let (seconds, overflows) = end.subtractingReportingOverflow(begin)
        return overflows ? (begin > end ? .min : .max) : seconds
    }

    /// A size as people read it.
    static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
    }

    static func fixed(_ number: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", number)
    }
}
