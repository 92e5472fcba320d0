import Foundation
import RegionalNode
import TestSupport
import Testing

/// Alarms of a running node whose cause is put right: they are over without a restart, in the status and in the metrics.
@Suite(.timeLimit(.minutes(5))) struct AlarmEndTests {
    private func alarms(_ cluster: Cluster, _ text: String) async throws -> [NodeStatus.Alarm] {
        try await cluster.status("VN-01").alarms.filter { $0.what.contains(text) }
    }

    /// Waits until there is the alarm, makes `cure`, and waits until it is over and counted no more.
    private func expectEnd(_ cluster: Cluster, _ text: String, cure: () async throws -> Void) async throws {
        let isRaised = try await eventually { try await alarms(cluster, text).contains { $0.ended == nil } }
        let all = try await cluster.status("VN-01").alarms
        #expect(isRaised, "\(text): \(all)")
        let what = try #require(try await alarms(cluster, text).first).what
        #expect(what.firstMatch(of: /\b1[0-9]{9}\b/) == nil, "no time that nobody reads: \(what)")
        try await cure()
        let isOver = try await eventually(seconds: 40) {
            try await alarms(cluster, text).allSatisfy { $0.ended != nil }
        }
        let left = try await alarms(cluster, text)
        #expect(isOver, "\(text): \(left)")
        let metrics = try Child(
            ["/usr/bin/curl", "-s", "http://127.0.0.1:\(cluster.basePort + 2)/metrics"],
            in: cluster.scratch
        )
        defer { metrics.kill() }
        #expect(try await metrics.end(within: 20) == 0)
        #expect(metrics.output.contains("\nkeytide_alarms 0\n"), "\(metrics.output)")
    }

    private func write(_ bytes: [UInt8], _ name: String, _ cluster: Cluster) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: cluster.path(name)))
    }

    private func put(_ pair: TestCertificate, _ cluster: Cluster) throws {
        try write(pair.certificatePEM, "tls.pem", cluster)
        try write(pair.keyPEM, "tls.key", cluster)
    }

    @Test func certificates() async throws {
        try await Cluster.with("VN-01") { cluster in
            let now = TestCertificate.now
            let ending = try TestCertificate("localhost", validity: (now - 86_400)...(now + 5 * 86_400))
            let good = try TestCertificate("localhost", validity: (now - 86_400)...(now + 90 * 86_400))
            try put(ending, cluster)
            try await cluster.start("VN-01")
            let node = try cluster.node("VN-01")
            try await expectEnd(cluster, "in less than 14 days") {
                try put(good, cluster)
                node.signal(SIGHUP)
            }
            // Refused, and put right by writing the former content once more.
            try write(try TestCertificate("localhost").keyPEM, "tls.key", cluster)
            node.signal(SIGHUP)
            try await expectEnd(cluster, "a new certificate was refused") {
                try write(good.keyPEM, "tls.key", cluster)
                node.signal(SIGHUP)
            }
            // Put right by moving the former file back, which then is the very one that is in use; nobody says so by
            // a signal. And a file that is gone.
            for bad in [try TestCertificate("localhost").keyPEM, [UInt8]("no key".utf8), nil] {
                try FileManager.default.moveItem(atPath: cluster.path("tls.key"), toPath: cluster.path("kept"))
                if let bad { try write(bad, "tls.key", cluster) }
                node.signal(SIGHUP)
                try await expectEnd(cluster, "a new certificate was refused") {
                    try? FileManager.default.removeItem(atPath: cluster.path("tls.key"))
                    try FileManager.default.moveItem(atPath: cluster.path("kept"), toPath: cluster.path("tls.key"))
                }
            }
            // Each is there once, with the number of times that it has come.
            #expect(try await cluster.status("VN-01").alarms.map(\.times).sorted() == [1, 4])
        }
    }

    @Test func theFileOfTheRoster() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let roster = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cluster.path("roster"))))
            for bad in [Array(roster.prefix(200)), [], roster.dropLast(3) + [0x41, 0x41, 0x0a]] {
                try write(bad, "roster", cluster)
                try await expectEnd(cluster, "was refused") { try write(roster, "roster", cluster) }
            }
            // What is no file cannot be read at all; a name that is gone is no fault of a file.
            try FileManager.default.removeItem(atPath: cluster.path("roster"))
            try FileManager.default.createDirectory(atPath: cluster.path("roster"), withIntermediateDirectories: true)
            try await expectEnd(cluster, "cannot be read") {
                try FileManager.default.removeItem(atPath: cluster.path("roster"))
            }
            try write(Array(roster.prefix(200)), "roster", cluster)
            try await expectEnd(cluster, "was refused") {
                try FileManager.default.removeItem(atPath: cluster.path("roster"))
            }
        }
    }

    @Test func theModeOfTheSigningKey() async throws {
        try await Cluster.with("VN-01") { cluster in
            #expect(chmod(cluster.path("VN-01.key"), 0o640) == 0)
            try await cluster.start("VN-01")
            try await expectEnd(cluster, "has mode 0640") {
                #expect(chmod(cluster.path("VN-01.key"), 0o600) == 0)
            }
            #expect(chmod(cluster.path("VN-01.key"), 0o604) == 0)
            try await expectEnd(cluster, "has mode 0604") {
                #expect(chmod(cluster.path("VN-01.key"), 0o600) == 0)
            }
        }
    }

    @Test func aBrokenStoreThatWasMovedAside() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 50)
            #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
            #expect(try await cluster.stop("VN-01") == 0)
            let store = try FileHandle(forUpdating: URL(fileURLWithPath: cluster.path("VN-01.store")))
            try store.write(contentsOf: Data(repeating: 7, count: 100))
            try store.close()
            try await cluster.start("VN-01")
            try await expectEnd(cluster, "was moved to") {
                try FileManager.default.removeItem(atPath: cluster.path("VN-01.store.corrupt-1"))
            }
        }
    }
}
