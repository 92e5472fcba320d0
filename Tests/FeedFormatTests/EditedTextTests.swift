import FeedFormat
import Testing

@Suite struct EditedTextTests {
    @Test(arguments: [
        "a\nb\n\nc\n", "a\r\nb\r\n\r\nc\r\n", "a\rb\r\rc\r", "\u{feff}a \nb\t\n\nc  \n", "\u{feff}a\r\nb\n\r\nc\r",
    ])
    func endsOfLineAndMarksAreNotLooked(at text: String) {
        #expect(EditedText.lines(text) == ["a", "b", "", "c", ""])
    }

    @Test func whatIsInALineStays() {
        #expect(EditedText.lines(" a  b\u{feff}\u{a0}c") == [" a  b\u{feff}\u{a0}c"])
        #expect(EditedText.lines("") == [""])
        #expect(EditedText.lines("\u{feff}") == [""])
    }

    @Test func onlyUTF8IsText() throws {
        #expect(try EditedText.text(Array("\u{feff}a\r\nb".utf8)) == "a\nb")
        for bytes in [[0xff, 0xfe, 0x61, 0], [0xfe, 0xff, 0, 0x61], [0x61, 0xff], [0xc3]] as [[UInt8]] {
            #expect(throws: FormatError.self) { try EditedText.text(bytes) }
        }
    }

    @Test func authoritiesAreReadFromWhatAnEditorLeaves() throws {
        let signer = try #require(NoteSigner(name: "a/b", algorithm: .ed25519, seed: Array(0..<32)))
        let text = "# who\nthreshold 1\n\n\(signer.verifier.text)\n"
        let plain = try RosterAuthorities(text: text)
        for edited in [text.replacing("\n", with: "\r\n"), "\u{feff}" + text, text.replacing("\n", with: " \r\n")] {
            #expect(try RosterAuthorities(text: edited) == plain)
        }
    }
}
