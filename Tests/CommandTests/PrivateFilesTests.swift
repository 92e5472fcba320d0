import Foundation
import TestSupport
import Testing

/// Files with private keys are their owner's alone from the first byte, whatever the process's mask.
@Suite(.timeLimit(.minutes(2))) struct PrivateFilesTests {
    /// The calls that open files of these names for writing, as `strace` shows them.
    private func openings(_ command: [String], in scratch: Scratch) async throws -> [Substring] {
        let trace = scratch.file("trace")
        let shell = "umask 0; exec strace -f -e trace=open,openat,creat,mkdir,chmod,fchmod -o '\(trace)' \"$@\""
        let child = try Child(["/bin/sh", "-c", shell, "sh", Keytide.executable] + command, in: scratch)
        defer { child.kill() }
        guard try await child.end(within: 60) == 0 else { throw TestFailure(child.errors) }
        return scratch.text("trace").split(separator: "\n")
    }

    private func expectPrivate(_ command: [String], keys: [String], folder: String, _ scratch: Scratch) async throws {
        let calls = try await openings(command, in: scratch)
        for key in keys {
            let written = calls.filter { $0.contains("/\(key)\"") && $0.contains("O_CREAT") }
            #expect(written.count == 1, "\(key): \(written)")
            #expect(written.allSatisfy { $0.contains("O_EXCL") && $0.contains(", 0600)") }, "\(written)")
            #expect(!calls.contains { $0.contains("chmod") && $0.contains("/\(key)\"") })
        }
        let made = calls.filter { $0.contains("mkdir(\"\(scratch.file(folder))\"") && $0.contains("= 0") }
        #expect(made.count == 1 && made.allSatisfy { $0.contains(", 0700)") }, "\(made)")
    }

    @Test func clusterCreate() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try await expectPrivate(
            ["cluster", "create", "--directory", scratch.file("c"), "--regions", "VN-01"],
            keys: ["VN-01.key", "VN-01.peer.key", "tls.key"],
            folder: "c",
            scratch
        )
    }

    @Test func regionInit() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try await expectPrivate(
            ["region", "init", scratch.file("r"), "--region", "VN-01", "--operator", "o"]
                + ["--public", "https://a.example", "--peer", "https://a.example"],
            keys: ["region.key", "peer.key"],
            folder: "r",
            scratch
        )
    }

    @Test func aDirectoryThatEverybodyWritesToTakesNoKeys() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let folder = scratch.file("r")
        #expect(mkdir(folder, 0o700) == 0 && chmod(folder, 0o777) == 0)
        let outcome = try await Keytide.run(
            ["region", "init", folder, "--region", "VN-01", "--operator", "o"]
                + ["--public", "https://a.example", "--peer", "https://a.example"],
            in: scratch
        )
        #expect(outcome.status == 1 && outcome.errors.contains("chmod o-w"), "\(outcome.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
}
