/// The text of a file that people edit, as editors and mail leave it: with or without a byte order mark, lines ended by
/// LF, CR LF or CR, blanks at the end of a line.
///
/// Never for what is signed: there every byte counts.
package enum EditedText {
    /// The text with LF ends of line and without marks and blanks at ends.
    /// - Throws: `FormatError` with `.malformedNote` if it is no UTF-8; an editor may have saved it as UTF-16.
    package static func text(_ bytes: some Collection<UInt8>) throws(FormatError) -> String {
        let start = bytes.prefix(2)
        guard !start.elementsEqual([0xff, 0xfe]), !start.elementsEqual([0xfe, 0xff]) else {
            throw FormatError(.malformedNote, "the file is in UTF-16: save it as UTF-8")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FormatError(.malformedNote, "the file is no text in UTF-8: save it as UTF-8")
        }
        return lines(text).joined(separator: "\n")
    }

    /// The lines of a text, without their ends and the blanks before these; empty lines too, so that they can be counted.
    package static func lines(_ text: String) -> [Substring] {
        let scalars = text.unicodeScalars
        let begin = scalars.first == "\u{feff}" ? scalars.index(after: scalars.startIndex) : scalars.startIndex
        var lines: [Substring] = []
        var lineStart = begin
        var index = begin
        while index < scalars.endIndex {
            let next = scalars.index(after: index)
            guard scalars[index] == "\n" || scalars[index] == "\r" else {
                index = next
                continue
            }
            lines.append(trimmed(scalars[lineStart..<index]))
            let isPair = scalars[index] == "\r" && next < scalars.endIndex && scalars[next] == "\n"
            index = isPair ? scalars.index(after: next) : next
            lineStart = index
        }
        lines.append(trimmed(scalars[lineStart...]))
        return lines
    }

    private static func trimmed(_ line: Substring.UnicodeScalarView) -> Substring {
        var line = line
        while let last = line.last, last == " " || last == "\t" { line.removeLast() }
        return Substring(line)
    }
}
