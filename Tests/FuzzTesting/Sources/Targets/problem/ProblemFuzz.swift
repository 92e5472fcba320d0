import Foundation
import HTTP2

#if FUZZING
    import Support
#endif

/// The body of an answer that is no success, as it is and as the detail of a problem document, and any text on its way to
/// a terminal.
enum ProblemFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let detail = Array(#"{"title":"No","detail":""#.utf8) + bytes + Array(#""}"#.utf8)
        for body in [bytes, detail] {
            guard let message = ProblemMessage.text(of: body) else { continue }
            // Six characters for each of two UTF-16 units, and the mark of what was left out.
            guard !message.isEmpty, message.utf8.count <= 12 * ProblemMessage.codePoints + 3, isPrintable(message)
            else {
                return false
            }
        }
        return keepsMeaning(String(decoding: bytes, as: UTF8.self))
    }

    /// Written apart from the module under test: C0 and C1, marks and overrides of direction, separators.
    private static func isPrintable(_ text: String) -> Bool {
        let refused: [ClosedRange<UInt32>] = [
            0...0x1f, 0x7f...0x9f, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2064, 0x2066...0x2069,
            0xe0001...0xe0001, 0xe0020...0xe007f,
        ]
        return text.unicodeScalars.allSatisfy { scalar in !refused.contains { $0.contains(scalar.value) } }
    }

    /// What is spelled out in JSON still says the same.
    private static func keepsMeaning(_ text: String) -> Bool {
        guard let json = try? JSONEncoder().encode([text]) else { return false }
        let spelled = PrintableText.spelled(String(decoding: json, as: UTF8.self), keepingLines: false)
        let read = try? JSONDecoder().decode([String].self, from: Data(spelled.utf8))
        return isPrintable(spelled) && read?.first.map { Array($0.utf8) } == Array(text.utf8)
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(ProblemFuzz.holds) }
    }
#endif
