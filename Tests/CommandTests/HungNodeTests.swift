import Foundation
import RegionalNode
import TestSupport
import Testing

/// Commands whose node takes what is sent and gives no answer.
@Suite(.serialized, .timeLimit(.minutes(4))) struct HungNodeTests {
    /// Seconds after which a command must have given up: ten, and what a busy machine takes.
    private static let limit = 16.0

    /// Runs commands side by side; all must fail in time, and name the socket and what to look at.
    private func expectSilence(_ commands: [[String]], _ socket: String, in scratch: Scratch) async throws {
        let children = try commands.map { try Child([Keytide.executable] + $0, in: scratch) }
        defer { children.forEach { $0.kill() } }
        let began = ContinuousClock.now
        for (command, child) in zip(commands, children) {
            let status = try await child.end(within: HungNodeTests.limit)
            let said = child.output + child.errors
            #expect(status == 1, "\(command): \(said)")
            #expect(said.contains(socket) && said.contains("ss -xlp"), "\(command): \(said)")
        }
        #expect(ContinuousClock.now - began < .seconds(HungNodeTests.limit))
    }

    @Test func aStoppedNode() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            try await cluster.start("VN-48")
            let archives = try (1...3).map { try cluster.archives.make("\($0).zip", patients: 5).path }
            let node = try cluster.node("VN-48")
            node.signal(SIGSTOP)
            defer { node.signal(SIGCONT) }
            let socket = cluster.socket("VN-48")
            try await expectSilence(
                [
                    ["status", "--socket", socket],
                    ["import", "--socket", socket, "--key", cluster.archives.keyPath] + archives,
                    ["import", "--json", "--socket", socket, "--key", cluster.archives.keyPath] + archives,
                    ["cluster", "wait", "--timeout", "10", cluster.socket("VN-01"), socket],
                    ["cluster", "wait", "--timeout", "3600", socket],
                    ["roster", "standing", "--socket", socket, "--close", "VN-01"],
                    ["roster", "install", "--socket", socket, cluster.path("roster")],
                ],
                socket,
                in: cluster.scratch
            )
            // It goes on where it was.
            node.signal(SIGCONT)
            #expect(try await cluster.status("VN-48").region == "VN-48")
        }
    }

    /// Somebody else's socket: nothing comes, or only the beginning of what might be an answer, or byte by byte.
    @Test(arguments: ["", "\0\0\0\u{4}\0\0\0\0\0", "HTTP/1.1 200 OK\r\n"]) func aSocketThatSays(beginning: String)
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let script = """
            import socket, sys, time
            s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); print("ready", flush=True)
            open_ = []
            s.settimeout(0.5)
            while True:
                try: c, _ = s.accept(); open_.append(c); c.send(sys.argv[2].encode("latin-1"))
                except (TimeoutError, OSError): pass
            """
        let socket = scratch.file("s")
        let text = beginning.replacingOccurrences(of: "\0", with: "\\0")
        let listener = try Child(
            [
                "/usr/bin/python3", "-c", script.replacingOccurrences(of: "sys.argv[2]", with: "'\(escaped(text))'"),
                socket,
            ],
            in: scratch
        )
        defer { listener.kill() }
        try #require(try await eventually { listener.output.contains("ready") })
        let child = try Child([Keytide.executable, "status", "--socket", socket], in: scratch)
        defer { child.kill() }
        #expect(try await child.end(within: HungNodeTests.limit) == 1)
        #expect(child.errors.contains(socket), "\(child.errors)")
    }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "\r\n", with: "\\r\\n").replacingOccurrences(of: "\u{4}", with: "\\x04")
    }

    @Test(arguments: ["nan", "-1", "1e300", "inf"]) func noTimeout(_ text: String) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let outcome = try await Keytide.run("cluster", "wait", "--timeout=\(text)", scratch.file("s"), in: scratch)
        #expect(outcome.status == 64 && outcome.errors.contains("--timeout"), "\(outcome)")
    }
}
