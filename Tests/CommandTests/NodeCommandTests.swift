import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// `keytide node`: how it starts, refuses to start, and stops.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NodeCommandTests {
    @Test func stopsCleanlyWithLinksAndSlowClients() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            try await cluster.start("VN-48")
            let archive = try cluster.archives.make("a.zip", patients: 20_000)
            let imported = try await cluster.import("VN-01", archive.path)
            let feed = try #require(imported.reports.first?.report?.feed)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            // One who says nothing, and one who asks for megabytes and does not read them.
            let request = "GET /v1/feeds/\(feed)/0/0 HTTP/1.1\r\nHost: x\r\n\r\n"
            let silent = try SlowClient(port: cluster.basePort, sending: "")
            let slow = try SlowClient(
                port: cluster.basePort,
                sending: String(repeating: request, count: 20)
            )
            defer { [silent, slow].forEach { $0.close() } }
            try await Task.sleep(for: .milliseconds(200))

            #expect(try await cluster.stop("VN-48", within: 3) == 0)
            #expect(try await cluster.stop("VN-01", within: 15) == 0)
            for region in ["VN-01", "VN-48"] {
                #expect(!FileManager.default.fileExists(atPath: cluster.socket(region)))
                #expect(try cluster.node(region).output.split(separator: "\n").count == 1)
                #expect(try HeldFeeds(region, of: cluster).keys == archive.data)
            }
        }
    }

    @Test func interruptStopsToo() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let node = try cluster.node("VN-01")
            node.signal(SIGINT)
            #expect(try await node.end(within: 10) == 0)
        }
    }

    @Test func adminSocketIsForItsOwnerAlone() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let attributes = try FileManager.default.attributesOfItem(atPath: cluster.socket("VN-01"))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test func addressesInUseAreNamed() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for (offset, setting) in [(0, "listen.public"), (1, "listen.peers")] {
                let occupied = try Loopback.occupy(cluster.basePort + offset)
                defer { close(occupied) }
                try await expectRefusal(cluster, ["127.0.0.1:\(cluster.basePort + offset)", "in use", setting])
                #expect(!FileManager.default.fileExists(atPath: cluster.socket("VN-01")))
            }
            try await cluster.start("VN-48")
            try await expectRefusal(cluster, ["in use", "admin.socket"], "--admin-socket", cluster.socket("VN-48"))
            // The other node's socket is still its own.
            #expect(try await cluster.status("VN-48").region == "VN-48")
        }
    }

    @Test func aStoreInUseIsRefused() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            try await expectRefusal(cluster, ["VN-01.store is in use", "stop it first"])
            #expect(try await cluster.status("VN-01").trouble == nil)
        }
    }

    @Test func rostersAreChecked() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            let roster = try String(contentsOfFile: cluster.path("roster"), encoding: .utf8)
            let forged = try cluster.scratch.write(roster.replacing("demo", with: "evil").utf8, "forged")
            try await expectRefusal(cluster, ["roster", forged], "--roster", forged)
            try await expectRefusal(cluster, ["expired"], "--as-of", "2100-01-01T00:00:00Z")
            try await expectRefusal(cluster, ["does not list VN-79", "'region'"], "--region", "VN-79")
            let other = cluster.path("VN-48.key")
            try await expectRefusal(cluster, ["another key", other, "'key'"], "--key", other)
            try await expectRefusal(cluster, ["the roster", "/nowhere"], "--roster", "/nowhere")
            try await expectRefusal(cluster, ["authorities", "/nowhere"], "--authorities", "/nowhere")
            let noKey = try cluster.scratch.write("PRIVATE+KEY+secret".utf8, "key")
            let refusal = try await expectRefusal(cluster, ["no signing key", noKey], "--key", noKey)
            #expect(!refusal.errors.contains("secret"))
            try await expectRefusal(cluster, ["'neighbours'", "VN-99"], "--neighbours", "VN-99")
        }
    }

    @Test func settingsAreNamedWithTheWaysToGiveThem() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await expectRefusal(cluster, ["'listen.public'", "host:port"], "--listen-public", "8440")
            try await expectRefusal(cluster, ["'asOf'", "KEYTIDE_AS_OF"], "--as-of", "yesterday")
            try await expectRefusal(cluster, ["'logLevel'", "notice"], "--log-level", "loud")
            let nothing = try await Keytide.run("node", in: cluster.scratch)
            #expect(nothing.status == 1)
            #expect(nothing.errors.contains("'region' is missing"))
            #expect(nothing.errors.contains("KEYTIDE_REGION"))
            for (text, words) in [
                ("{\"regoin\": \"VN-01\"}", ["'regoin'", "no setting"]), ("{\"region\"", ["JSON"]),
                ("{\"region\": [1]}", ["'region'", "text"]),
            ] {
                let file = try cluster.scratch.write(text.utf8, "bad.json")
                let refused = try await Keytide.run("node", "--config", file, in: cluster.scratch)
                #expect(refused.status == 1)
                for word in words { #expect(refused.errors.contains(word), "\(refused.errors)") }
                #expect(refused.complaints.count == 1)
            }
        }
    }

    @Test func flagsWinOverTheEnvironmentAndThatOverTheFile() async throws {
        try await Cluster.with("VN-01") { cluster in
            let config = cluster.path("VN-01.json")
            func region(_ flags: String...) async throws -> String {
                let child = try Child(
                    [Keytide.executable, "node", "--config", config, "--as-of", Archives.timeText] + flags,
                    environment: ["KEYTIDE_REGION": "VN-98", "KEYTIDE_PUBLICATION_SLOT": "7"],
                    in: cluster.scratch
                )
                defer { child.kill() }
                #expect(try await child.end(within: 20) == 1)
                return child.errors
            }
            #expect(try await region().contains("does not list VN-98"))
            #expect(try await region("--region", "VN-97").contains("does not list VN-97"))
            let slot = try await Keytide.run(
                "node",
                "--config",
                config,
                environment: ["KEYTIDE_PUBLICATION_SLOT": "0"],
                in: cluster.scratch
            )
            #expect(slot.status == 1)
            #expect(slot.errors.contains("'publicationSlot'"))
            #expect(slot.errors.contains("KEYTIDE_PUBLICATION_SLOT"))
        }
    }

    @Test func aClockSetBackKeepsRunningFromThere() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let first = try await cluster.status("VN-01").time
            #expect((Archives.time...Archives.time + 30).contains(first))
            try await Task.sleep(for: .milliseconds(2100))
            let passed = try await cluster.status("VN-01").time - first
            #expect((2...30).contains(passed))
        }
    }

    /// A start that must fail: status 1, one line on standard error that contains these words.
    @discardableResult
    private func expectRefusal(
        _ cluster: Cluster,
        _ words: [String],
        _ options: String...
    ) async throws -> Keytide.Outcome {
        let asOf = options.contains("--as-of") ? [] : ["--as-of", Archives.timeText]
        let child = try Child(
            [Keytide.executable, "node", "--config", cluster.path("VN-01.json")] + asOf + options,
            in: cluster.scratch
        )
        defer { child.kill() }
        guard let status = try await child.end(within: 20) else { throw TestFailure("the node started: \(options)") }
        let outcome = Keytide.Outcome(status: status, output: child.output, errors: child.errors)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.complaints.count == 1, "\(outcome.errors)")
        for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        return outcome
    }
}

/// A connection whose other end is never read.
struct SlowClient {
    private let descriptor: Int32

    init(port: Int, sending text: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var small: Int32 = 4096
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
        guard Loopback.withAddress(port, { connect(descriptor, $0, $1) }) == 0 else {
            throw TestFailure("nobody listens on \(port)")
        }
        _ = text.withCString { send(descriptor, $0, strlen($0), 0) }
    }

    /// The client's own port.
    var port: Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    func close() { Foundation.close(descriptor) }
}
