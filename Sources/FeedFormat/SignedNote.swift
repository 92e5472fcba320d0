import ExposureKeys

/// A C2SP signed note: text, an empty line, and signature lines. (C2SP signed-note.)
package struct SignedNote {
    /// The signed text, ending with a newline.
    package let text: String
    package let signatures: [Signature]

    package struct Signature {
        package let name: String
        /// First four bytes of the key's hash, big-endian.
        package let keyID: UInt32
        /// What follows the key ID.
        package let body: [UInt8]
    }

    /// - Parameter limit: largest accepted size in bytes.
    package init(_ bytes: ArraySlice<UInt8>, limit: Int) throws(FormatError) {
        guard bytes.count <= limit else {
            throw FormatError(.limitExceeded, "a note of \(bytes.count.counted("byte")), more than \(limit)")
        }
        guard let note = String(validating: bytes, as: UTF8.self),
            note.unicodeScalars.allSatisfy({ $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7f })
        else { throw FormatError(.malformedNote, "a note holds bytes that are not plain UTF-8 text") }
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.last?.isEmpty == true, let blank = lines.dropLast().lastIndex(where: \.isEmpty), blank > 0 else {
            throw FormatError(.malformedNote, "a note has no empty line between text and signatures")
        }
        text = lines[..<blank].map { $0 + "\n" }.joined()
        let signatureLines = lines[(blank + 1)..<(lines.endIndex - 1)]
        guard (1...FormatLimits.signaturesPerNote).contains(signatureLines.count) else {
            throw FormatError(.malformedNote, "a note has \(signatureLines.count.counted("signature"))")
        }
        var signatures: [Signature] = []
        for line in signatureLines { signatures.append(try Signature(line: line)) }
        self.signatures = signatures
    }

    /// Puts text and signatures together.
    package static func bytes(text: String, signatures: [Signature]) -> [UInt8] {
        Array((text + "\n" + signatures.map { $0.line + "\n" }.joined()).utf8)
    }
}

extension SignedNote.Signature {
    fileprivate init(line: Substring) throws(FormatError) {
        // By code point: a name may begin with a mark that Swift would join to the space before it.
        let parts = line.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3, parts[0] == "—", NoteKeyName.isValid(parts[1]),
            let raw = Base64.decode(parts[2]), raw.count > 4
        else { throw FormatError(.malformedNote, "a note's signature line is not '— name base64'") }
        self.init(
            name: parts[1],
            keyID: raw.prefix(4).reduce(0) { $0 << 8 | UInt32($1) },
            body: Array(raw.dropFirst(4))
        )
    }

    fileprivate var line: String {
        var raw: [UInt8] = []
        raw.append(bigEndian: keyID)
        raw.append(contentsOf: body)
        return "— \(name) \(Base64.encode(raw))"
    }
}

/// The rule for names of keys in notes: 1 to 64 bytes, no spaces (white space of Unicode), control characters or plus
/// signs.
enum NoteKeyName {
    static func isValid(_ name: some StringProtocol) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value != 0x7f && $0 != "+" && !$0.properties.isWhitespace
            }
    }
}
