/// Takes `name value` lines off the front of a signed text.
struct RosterLines {
    private let lines: [Substring]
    private let what: String
    private var position = 1

    /// - Parameter what: the kind of text, for errors.
    init(_ text: String, of what: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        self.what = what
    }

    /// The line that says what the text is; reading begins after it.
    var first: String? { lines.first.map { String($0) } }
    var isAtEnd: Bool { position >= lines.count }

    mutating func value(_ name: String) throws(FormatError) -> Substring {
        guard let value = optional(name) else { throw error("a line '\(name) …' belongs here") }
        return value
    }

    mutating func optional(_ name: String) -> Substring? {
        // By code point: a value may begin with a mark that Swift would join to the space before it.
        guard position < lines.count, lines[position].unicodeScalars.starts(with: (name + " ").unicodeScalars) else {
            return nil
        }
        defer { position += 1 }
        return Substring(lines[position].unicodeScalars.dropFirst(name.unicodeScalars.count + 1))
    }

    mutating func number(_ name: String) throws(FormatError) -> Int64 {
        let text = try value(name)
        guard let number = Int64(text), number >= 0, String(number) == text else {
            throw error("\(name) is not a whole number")
        }
        return number
    }

    func certificate(_ text: Substring) throws(FormatError) -> RosterRegion.Certificate {
        let parts = RosterLines.parts(text)
        guard parts.count == 3, let notBefore = Int64(parts[0]), let notAfter = Int64(parts[1]), notBefore < notAfter
        else { throw error("a certificate is not 'from until hash'") }
        return RosterRegion.Certificate(hash: try hash(parts[2]), notBefore: notBefore, notAfter: notAfter)
    }

    func hash(_ text: some StringProtocol) throws(FormatError) -> Hash256 {
        guard let hash = Base64.decode(text).flatMap({ Hash256(bytes: $0) }) else {
            throw error("a hash is not 32 bytes in base64")
        }
        return hash
    }

    func error(_ reason: String) -> FormatError {
        FormatError(.malformedNote, "\(what), line \(position + 1): \(reason)")
    }

    /// Three values with a space between them.
    static func parts(_ text: Substring) -> [String] {
        text.unicodeScalars.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
    }
}
