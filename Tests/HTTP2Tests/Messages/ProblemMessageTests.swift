import HTTP2
import Testing

struct ProblemMessageTests {
    private func text(_ body: String) -> String? { ProblemMessage.text(of: Array(body.utf8)) }

    @Test func saysTitleAndDetail() {
        #expect(text(#"{"type":"about:blank","title":"Busy","status":503,"detail":"Later."}"#) == "Busy: Later.")
        #expect(text(#"{"title":"Busy"}"#) == "Busy")
        #expect(text(#"{"detail":"Later."}"#) == "Later.")
        // A member of another type counts as missing.
        #expect(text(#"{"title":7,"detail":"Later."}"#) == "Later.")
    }

    @Test func whatIsNoProblemSaysNothing() {
        for body in ["", "{}", "[]", "7", "<html>", #"{"title":""}"#, #"{"title":null,"detail":[1]}"#, #"{"title":"a"#]
        {
            #expect(text(body) == nil)
        }
        let long = #"{"title":"\#(String(repeating: "a", count: ProblemMessage.documentBytes))"}"#
        #expect(text(long) == nil)
        #expect(text(String(repeating: "[", count: 60_000)) == nil)
    }

    @Test func isShort() {
        let long = String(repeating: "ế", count: 10_000)
        let message = text(#"{"title":"A","detail":"\#(long)"}"#)
        #expect(message == "A: " + long.prefix(ProblemMessage.codePoints - 3) + "…")
    }

    @Test func isOnePrintableLine() {
        let body = #"{"title":"A\n\u001b]0;x\u0007","detail":"\#("\u{202e}")z\u009b2J"}"#
        #expect(text(body) == #"A\u000a\u001b]0;x\u0007: \u202ez\u009b2J"#)
    }
}
