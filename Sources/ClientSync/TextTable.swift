internal import ExposureKeys

/// The lines of a table that people and programs write as text: fields between commas, semicolons or tabs, in double
/// quotes or not. Lines end with LF, CRLF or CR; empty ones are passed over; a byte order mark may stand first.
struct TextTable: Sequence, IteratorProtocol {
    struct Line {
        /// From 1.
        let number: Int
        /// Nil if the line is longer than `maximumLine`.
        let fields: [Substring]?
    }

    /// Bytes of a file.
    static let maximumBytes = 64 << 20
    /// Bytes of a line, without its end.
    static let maximumLine = 160

    private var rest: ArraySlice<UInt8>
    private var number = 0
    private let separator: UInt8

    /// - Throws: `EncounterFileError` if there are too many bytes, or they are no UTF-8 by their first ones.
    init(_ bytes: ArraySlice<UInt8>) throws(EncounterFileError) {
        guard bytes.count <= TextTable.maximumBytes else {
            throw EncounterFileError(
                .tooLarge,
                line: 1,
                "the file has \(bytes.count.counted("byte")), \(TextTable.maximumBytes) are accepted; split it"
            )
        }
        guard !bytes.starts(with: [0xff, 0xfe]), !bytes.starts(with: [0xfe, 0xff]) else {
            throw EncounterFileError(.malformed, line: 1, "the file is UTF-16; save it as UTF-8")
        }
        rest = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes
        let header = rest.drop { TextTable.ends.contains($0) || TextTable.spaces.contains($0) }
            .prefix(TextTable.maximumLine).prefix { !TextTable.ends.contains($0) }
        separator = header.first { TextTable.separators.contains($0) } ?? UInt8(ascii: ",")
    }

    mutating func next() -> Line? {
        while !rest.isEmpty {
            number += 1
            let content = rest.prefix { !TextTable.ends.contains($0) }
            rest = rest.dropFirst(content.count)
            let end = rest.prefix(2)
            rest = rest.dropFirst(end.elementsEqual([0x0d, 0x0a]) ? 2 : 1)
            if content.allSatisfy({ TextTable.spaces.contains($0) }) { continue }
            return Line(number: number, fields: content.count <= TextTable.maximumLine ? split(content) : nil)
        }
        return nil
    }

    private func split(_ line: ArraySlice<UInt8>) -> [Substring] {
        var isQuoted = false
        let fields = line.split(omittingEmptySubsequences: false) { byte in
            if byte == TextTable.quote { isQuoted.toggle() }
            return byte == separator && !isQuoted
        }
        return fields.map { field in
            var bare = trimmed(field)
            if bare.count >= 2, bare.first == TextTable.quote, bare.last == TextTable.quote {
                bare = trimmed(bare.dropFirst().dropLast())
            }
            return Substring(decoding: bare, as: UTF8.self)
        }
    }

    private func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = field.drop { TextTable.spaces.contains($0) }
        return start.lastIndex { !TextTable.spaces.contains($0) }.map { start[...$0] } ?? []
    }

    private static let ends = Array("\r\n".utf8)
    private static let spaces = Array(" \t".utf8)
    private static let separators = Array(",;\t".utf8)
    private static let quote = UInt8(ascii: "\"")
}

/// Lines of a file that were not taken, of which the first ones are named.
public struct RefusedLines: Sendable, Equatable {
    public private(set) var count = 0
    /// In the order of the file; at most `maximumNamed`.
    public private(set) var named: [EncounterFileError] = []

    public static let maximumNamed = 10

    public init() {}

    mutating func add(_ error: EncounterFileError) {
        count += 1
        if named.count < RefusedLines.maximumNamed { named.append(error) }
    }
}
