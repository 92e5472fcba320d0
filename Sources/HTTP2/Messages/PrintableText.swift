/// Text of others made fit for a terminal: what a terminal would obey, and what hides or turns the text beside it, is
/// spelled out as in `\u001b`. A JSON text still means the same, as such characters stand in its strings only.
public enum PrintableText {
    /// - Parameter keepingLines: line breaks stay; else they are spelled out as well.
    public static func spelled(_ text: String, keepingLines: Bool) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n" && keepingLines || !isObeyed(scalar) {
                result.append(scalar)
            } else {
                for unit in String(scalar).utf16 { result.append(contentsOf: spelled(unit).unicodeScalars) }
            }
        }
        return String(result)
    }

    /// Control characters, those that format (marks of direction among them), and separators of lines and paragraphs.
    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func spelled(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
