import Foundation
import TestSupport
import Testing

/// `keytide roster sign` signs only what somebody has looked at.
@Suite(.timeLimit(.minutes(4))) struct RosterSignTests {
    private func with(_ body: (Authorities, Scratch) async throws -> Void) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let authorities = try await Authorities(in: scratch)
        try await authorities.makeRegion("VN-01")
        let drafted = try await authorities.draft("v1", authorities.request("VN-01"))
        #expect(drafted.status == 0, "\(drafted.errors)")
        try await body(authorities, scratch)
    }

    @Test func withoutATerminalOnlyWhatIsNamed() async throws {
        try await with { authorities, scratch in
            let draft = scratch.text("v1")
            let sign = authorities.signing("v1", by: 1)
            let unasked = try await authorities.run(sign)
            #expect(unasked.status == 1 && unasked.errors.contains("no terminal"), "\(unasked)")
            // What would have been signed was shown.
            #expect(unasked.output.contains("key added"))
            let name = try await authorities.shortName(of: "v1")
            for wrong in ["1", "yes", "2" + name.dropFirst(), name.dropLast() + "x", name.uppercased(), name + " "] {
                let refused = try await authorities.run(sign + ["--yes=\(wrong)"])
                #expect(refused.status == 1 && refused.errors.contains("roster show"), "\(wrong): \(refused)")
            }
            #expect(scratch.text("v1") == draft)
            // Of another draft of the same version.
            _ = try await authorities.draft("other", ["--days", "9"] + authorities.request("VN-01"))
            let other = try await authorities.shortName(of: "other")
            #expect(try await authorities.run(sign + ["--yes", other]).status == 1)
            let signed = try await authorities.run(sign + ["--yes", name])
            #expect(signed.status == 0 && signed.output.contains("signed by test/authority-1"), "\(signed)")
        }
    }

    @Test func whatCannotBeShownIsNotSigned() async throws {
        try await with { authorities, scratch in
            let draft = scratch.text("v1")
            let name = try await authorities.shortName(of: "v1")
            let command = [Keytide.executable] + authorities.signing("v1", by: 1) + ["--yes", name]
            let child = try Child(["/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh"] + command, in: scratch)
            defer { child.kill() }
            #expect(try await child.end(within: 30) == 1)
            #expect(child.errors.contains("could not be written whole"))
            #expect(scratch.text("v1") == draft)
        }
    }

    /// A terminal of `script` (Debian's package bsdutils, which is always there).
    @Test(arguments: [("yes", 0), ("y", 1), ("no", 1), ("", 1)])
    func atATerminalItAsks(answer: String, status: Int32) async throws {
        try await with { authorities, scratch in
            let command = ([Keytide.executable] + authorities.signing("v1", by: 1)).joined(separator: " ")
            let typed = "(sleep 1; echo '\(answer)'; sleep 1) | script -q -e -c '\(command)' /dev/null"
            let child = try Child(["/bin/sh", "-c", typed], in: scratch)
            defer { child.kill() }
            #expect(try await child.end(within: 30) == status, "\(child.output)")
            #expect(child.output.contains("key added") && child.output.contains("Type yes"), "\(child.output)")
            #expect(child.output.contains("signed by test/authority-1") == (status == 0))
        }
    }
}
