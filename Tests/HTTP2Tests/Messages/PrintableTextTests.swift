import Foundation
import HTTP2
import Testing

struct PrintableTextTests {
    @Test func whatATerminalObeysIsSpelledOut() {
        for (text, spelled) in [
            ("\u{1b}[2J", #"\u001b[2J"#), ("\u{9b}2J", #"\u009b2J"#), ("a\rb\u{7f}", #"a\u000db\u007f"#),
            ("\u{202e}gpj.exe", #"\u202egpj.exe"#), ("a\u{2028}b\u{feff}", #"a\u2028b\ufeff"#),
            ("\u{e0041}", #"\udb40\udc41"#),
        ] {
            #expect(PrintableText.spelled(text, keepingLines: true) == spelled)
        }
        #expect(PrintableText.spelled("a\nb", keepingLines: true) == "a\nb")
        #expect(PrintableText.spelled("a\nb", keepingLines: false) == #"a\u000ab"#)
    }

    @Test func textStays() {
        for text in ["", "Sở Y tế Hà Nội", "Sở Y tế", "→ × …", "😷"] {
            let spelled = PrintableText.spelled(text, keepingLines: false)
            #expect(Array(spelled.utf8) == Array(text.utf8))
        }
    }

    @Test func jsonMeansTheSame() throws {
        // Every code point of the lower planes that matters, a thousand at a time.
        let scalars = [0...0x3000, 0xfe00...0xffff, 0xe0000...0xe0100].flatMap { $0.compactMap(Unicode.Scalar.init) }
        let text = String(String.UnicodeScalarView(scalars))
        let json = String(decoding: try JSONEncoder().encode([text]), as: UTF8.self)
        let spelled = PrintableText.spelled(json, keepingLines: false)
        #expect(spelled != json)
        let read = try JSONDecoder().decode([String].self, from: Data(spelled.utf8))
        #expect(read.map { Array($0.utf8) } == [Array(text.utf8)])
    }
}
