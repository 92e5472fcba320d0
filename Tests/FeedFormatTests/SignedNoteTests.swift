import FeedFormat
import Testing

struct SignedNoteTests {
    private func read(_ text: String, limit: Int = 1024) throws -> SignedNote {
        try SignedNote(Array(text.utf8)[...], limit: limit)
    }

    @Test func partsOfANote() throws {
        let note = try read("first\n\nthird\n\n— some/name AAAAAQI=\n— other AAAAAgMEBQ==\n")
        #expect(note.text == "first\n\nthird\n")
        #expect(note.signatures.map(\.name) == ["some/name", "other"])
        #expect(note.signatures.map(\.keyID) == [1, 2])
        #expect(note.signatures.map(\.body) == [[2], [3, 4, 5]])
        let bytes = SignedNote.bytes(text: note.text, signatures: note.signatures)
        #expect(
            String(decoding: bytes, as: UTF8.self).hasSuffix("third\n\n— some/name AAAAAQI=\n— other AAAAAgMEBQ==\n")
        )
    }

    @Test(
        arguments: [
            "", "\n", "\n\n", "text\n", "text\n\n", "text\n— name AAAAAQI=\n", "\n— name AAAAAQI=\n",
            "text\n\n— name AAAAAQI=", "text\n\n— name AAAAAQI=\n\n", "text\n\n- name AAAAAQI=\n",
            "text\n\n—name AAAAAQI=\n",
            "text\n\n— name  AAAAAQI=\n", "text\n\n— name AAAAAQI= \n", "text\n\n— na+me AAAAAQI=\n",
            "text\n\n—  AAAAAQI=\n",
            "text\n\n— name AAAAAQ==\n", "text\n\n— name AAAAAQI\n", "text\n\n— name AAAAAQJ=\n", "text\n\n— name\n",
            "text\n\n— na\u{a0}me AAAAAQI=\n", "text\n\n— na\u{2003}me AAAAAQI=\n", "te\rxt\n\n— name AAAAAQI=\n",
            "te\txt\n\n— name AAAAAQI=\n", "te\u{7f}xt\n\n— name AAAAAQI=\n", "te\0xt\n\n— name AAAAAQI=\n",
            "text\n\n— name AAAAAQI=\nmore\n", "text\r\n\r\n— name AAAAAQI=\r\n",
        ]
    )
    func malformed(_ text: String) {
        #expect(throws: FormatError.with(.malformedNote)) { try read(text) }
    }

    @Test func invalidUTF8() {
        for bytes: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x80]] {
            let note = bytes + Array("\n\n— name AAAAAQI=\n".utf8)
            #expect(throws: FormatError.with(.malformedNote)) { try SignedNote(note[...], limit: 1024) }
        }
    }

    @Test func limits() throws {
        let line = "— name AAAAAQI=\n"
        let full = "text\n\n" + String(repeating: line, count: 64)
        #expect(try read(full, limit: 10_000).signatures.count == 64)
        #expect(throws: FormatError.with(.malformedNote)) { try read(full + line, limit: 10_000) }
        #expect(try read(full, limit: full.utf8.count).signatures.count == 64)
        #expect(throws: FormatError.with(.limitExceeded)) { try read(full, limit: full.utf8.count - 1) }
        let name = String(repeating: "n", count: 64)
        #expect(try read("text\n\n— \(name) AAAAAQI=\n").signatures.first?.name == name)
        #expect(throws: FormatError.with(.malformedNote)) { try read("text\n\n— \(name)n AAAAAQI=\n") }
    }

    @Test func namesByCodePoint() throws {
        // A combining mark after a space, and a letter written in two ways.
        #expect(try read("text\n\n— \u{301}x AAAAAQI=\n").signatures.first?.name.unicodeScalars.count == 2)
        #expect(try read("text\n\n— Hà\u{323} AAAAAQI=\n").signatures.count == 1)
    }
}
