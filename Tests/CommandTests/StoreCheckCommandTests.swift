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
