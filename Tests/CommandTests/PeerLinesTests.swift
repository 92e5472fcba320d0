import Foundation
import RegionalNode
import TestSupport
import Testing

/// What a neighbour with a listed certificate can write into a node's log.
@Suite(.timeLimit(.minutes(4))) struct PeerLinesTests {
    /// Bodies for a link: none is a frame, each in another way.
    private static let bodies: [[UInt8]] = [
        Array(repeating: 0xff, count: 200), Array(repeating: 0, count: 200), [], [1],
        Array("GET / HTTP/1.1\r\n\r\n".utf8),
    ]

    @Test func linesNameTheirRegionAndAreFew() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            // Somebody with the other region's certificate opens links and sends what are no frames.
            let address = "https://127.0.0.1:\(cluster.basePort + 1)/v1/link"
            for (number, body) in Self.bodies.enumerated() {
                let file = try cluster.scratch.write(body, "body-\(number)")
                let curl = try Child(
                    [
                        "/usr/bin/curl", "-s", "-k", "-o", "/dev/null", "--max-time", "20", "--http2", "--cert",
                        cluster.path("VN-48.peer.pem"), "--key", cluster.path("VN-48.peer.key"), "--data-binary",
                        "@\(file)",
                    ] + Array(repeating: address, count: 100),
                    in: cluster.scratch
                )
                defer { curl.kill() }
                #expect(try await curl.end(within: 60) != nil)
            }
            let lines = try cluster.node("VN-01").errors.split(separator: "\n")
            let closed = lines.filter { $0.contains("a link was closed") }
            #expect(!closed.isEmpty && closed.count <= 12, "\(closed.count)")
            #expect(closed.allSatisfy { $0.contains("VN-48") }, "\(closed)")
            // Nothing else of the kind is written by other ways.
            let others = lines.filter { !$0.contains("a link was closed") && !$0.contains("link down") }
            #expect(others.count < 20, "\(others)")
            let alarms = try await cluster.status("VN-01").alarms
            #expect(alarms.contains { $0.what.contains("VN-48 causes more than") && $0.ended == nil }, "\(alarms)")
        }
    }

    /// A neighbour that takes links and ends them at once, and one whose port answers with something else.
    @Test func aNeighbourThatIsNone() async throws {
        try await Cluster.with("VN-01", "VN-48", options: ["--cleartext"]) { cluster in
            try await cluster.start("VN-01")
            let script = """
                import socket, sys
                s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(64); print("ready", flush=True)
                while True:
                    c, _ = s.accept()
                    try: c.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
                    except OSError: pass
                    c.close()
                """
            let port = "\(cluster.basePort + 3)"
            let other = try Child(["/usr/bin/python3", "-c", script, port], in: cluster.scratch)
            defer { other.kill() }
            try #require(try await eventually { other.output.contains("ready") })
            try await Task.sleep(for: .seconds(12))
            let lines = try cluster.node("VN-01").errors.split(separator: "\n")
            let about = lines.filter { $0.contains("link down") || $0.contains("fetch failed") }
            #expect(!about.isEmpty && about.count <= 12, "\(about.count)")
            #expect(about.allSatisfy { $0.contains("VN-48") }, "\(about)")
            #expect(lines.count < 30, "\(lines)")
        }
    }
}
