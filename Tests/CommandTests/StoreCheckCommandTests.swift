import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Testing
import TestSupport

/// `keytide store check`.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoreCheckCommandTests {
    private struct Report: Decodable {
        struct Feed: Decodable {
            var feed: String
            var batches: Int
            var bytes: Int
            var damaged: [UInt64]
            var unproven: [UInt64]?
        }
        var findings: [String]
        var feeds: [Feed]
    }

    private func check(_ cluster: Cluster, proving: Bool = true) async throws -> (Int32, Report) {
        let proof = proving ? ["--roster", cluster.path("roster"), "--authorities", cluster.path("authorities")] : []
        let command = [Keytide.executable, "store", "check", cluster.path("VN-01.store"), "--json"] + proof
        let child = try Child(command, in: cluster.scratch)
        defer { child.kill() }
        let status = try await child.end(within: 30) ?? -1
        return (status, try JSONDecoder().decode(Report.self, from: Data(child.output.utf8)))
    }

    @Test func damageIsNamedByNumber() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            for number in 0..<5 {
                _ = try await cluster.import("VN-01", cluster.archives.make("\(number).zip", patients: 40).path)
            }
            // While the node runs, and its log holds all of it.
            let (running, whole) = try await check(cluster)
            #expect(running == 0)
            #expect(whole.feeds.map(\.batches) == [5])
            #expect(whole.findings.isEmpty && whole.feeds[0].damaged.isEmpty && whole.feeds[0].unproven == [])
            #expect(try await cluster.stop("VN-01") == 0)

            let path = cluster.path("VN-01.store")
            let store = try SQLiteFeedStore(path: path)
            let feed = try #require(try store.feeds().first?.feed)
            let last = try #require(try store.batches(feed, 4..<5).first)
            try store.close()
            try cluster.rot(batch: 2, of: "VN-01")
            // The end of a checkpoint is its signature.
            try cluster.flip(Array(last.checkpoint.suffix(40)), of: "VN-01")
            let (status, report) = try await check(cluster)
            #expect(status == 1)
            #expect(report.findings.isEmpty)
            #expect(report.feeds.map(\.damaged) == [[2]])
            #expect(report.feeds.map(\.unproven) == [[4]])
            // Without a roster signatures are not looked at.
            let (_, bare) = try await check(cluster, proving: false)
            #expect(bare.feeds.map(\.damaged) == [[2]])
            #expect(bare.feeds.map(\.unproven) == [nil])

            let table = try await Keytide.run("store", "check", path, in: cluster.scratch)
            #expect(table.status == 1)
            #expect(table.output.contains("damaged in \(feed): 2\n"))
            #expect(table.output.hasSuffix("DAMAGED\n"))
        }
    }

    /// Rows that claim what is not there cost neither memory nor time.
    @Test func forgedRowsCostNothing() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 20)
            #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
            #expect(try await cluster.stop("VN-01") == 0)
            let script = """
                import sqlite3, sys
                c = sqlite3.connect(sys.argv[1])
                c.executescript("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                    "INSERT INTO feed SELECT 100 + i, 'VN-01', printf('%016x', 100000 + i), base, 131072, 0, 0, 0 "
                    "FROM n, feed WHERE id = 1;")
                c.close()
                """
            let store = cluster.path("VN-01.store")
            let forger = try Child(["/usr/bin/python3", "-c", script, store], in: cluster.scratch)
            defer { forger.kill() }
            try #require(try await forger.end(within: 60) == 0, "\(forger.errors)")
            let check = try Child([Keytide.executable, "store", "check", store], in: cluster.scratch)
            defer { check.kill() }
            var peak = 0
            let hasEnded = try await eventually(seconds: 90) {
                let status = (try? String(contentsOfFile: "/proc/\(check.identifier)/status", encoding: .utf8)) ?? ""
                let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
                peak = max(peak, line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
                return !check.isRunning
            }
            #expect(hasEnded && peak > 0 && peak < 300_000, "\(peak) KiB")
            #expect(check.output.hasSuffix("DAMAGED\n"))
        }
    }

    @Test func whatIsNoStoreIsSaidSo() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let text = try scratch.write("no store at all".utf8, "letter")
        for path in [text, scratch.file("missing")] {
            let outcome = try await Keytide.run("store", "check", path, in: scratch)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains(path), "\(outcome)")
        }
        let half = try await Keytide.run("store", "check", text, "--roster", text, in: scratch)
        #expect(half.status == 64)
    }
}
