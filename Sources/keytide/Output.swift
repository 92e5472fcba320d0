import ExposureKeys
import Foundation
import HTTP2

/// What commands print: results on standard output, progress and errors on standard error. Texts of others, such as the
/// name of an operator in a request, never command the terminal.
enum Output {
    static func line(_ text: String) {
        write(text, FileHandle.standardOutput)
    }

    static func progress(_ text: String) {
        write(text, FileHandle.standardError)
    }

    /// Nobody reads it if it cannot be written; the work goes on.
    private static func write(_ text: String, _ handle: FileHandle) {
        try? handle.write(contentsOf: Data((PrintableText.spelled(text, keepingLines: true) + "\n").utf8))
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
