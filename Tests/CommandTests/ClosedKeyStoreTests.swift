import Foundation
import RegionalNode
import TestSupport
import Testing

/// What stands under a closed key is judged by one rule: by the check of a store, by the salvage of a broken one, and by
/// the node's own reading.
@Suite(.timeLimit(.minutes(4))) struct ClosedKeyStoreTests {
    private struct Report: Decodable {
        struct Feed: Decodable {
            var feed: String
            var batches: Int
            var missing: Int
            var damaged: [UInt64]
            var unproven: [UInt64]
        }
        var findings: [String]
        var feeds: [Feed]
    }

    private func check(_ store: String, under roster: String, _ country: SignedCluster) async throws -> (Int32, Report)
    {
        let scratch = country.cluster.scratch
        let outcome = try await Keytide.run(
            "store",
            "check",
            scratch.file(store),
            "--json",
            "--roster",
            scratch.file(roster),
            "--authorities",
            country.authorities.file,
            in: scratch
        )
        return (outcome.status, try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8)))
    }

    /// Publishes three batches under a key, and has it closed so that two of them stand; VN-01 stands still meanwhile.
    private func withClosedKey(_ body: (SignedCluster, String) async throws -> Void) async throws {
        try await SignedCluster.with("VN-01", "VN-48") { country in
            let cluster = country.cluster
            for number in 0..<3 {
                let archive = try cluster.archives.make("\(number).zip", patients: 30)
                #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
            }
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let feed = try #require(try await cluster.status("VN-01").feeds.first).feed
            #expect(try await cluster.stop("VN-01") == 0)
            let epoch = feed.dropFirst("VN-01/".count)
            let standing = try await country.authorities.run([
                "roster", "standing", "--socket", cluster.socket("VN-48"), "--close", "VN-01", "--epoch", "\(epoch):2",
            ])
            try cluster.scratch.write(standing.output.utf8, "standing")
            let rotated = try await country.authorities.run([
                "region", "rotate", cluster.scratch.file("VN-01"), cluster.scratch.file("next"),
            ])
            #expect(rotated.status == 0, "\(rotated.errors)")
            _ = try await country.authorities.make(
                "v2",
                after: "roster",
                ["--close", "VN-01", "--standing", cluster.scratch.file("standing")]
                    + country.authorities.request("next")
            )
            #expect(try await country.install("v2", at: "VN-48", version: 2, reaching: ["VN-48"]))
            #expect(try await eventually { try await country.feeds("VN-48") == [feed: 2] })
            try await body(country, feed)
        }
    }

    @Test func aHealthyStoreIsWholeAfterAKeyWasClosed() async throws {
        try await withClosedKey { country, feed in
            // While the node runs; under the roster of before, too, which the two that stand were published under.
            for roster in ["v2", "roster"] {
                let (status, report) = try await check("VN-48.store", under: roster, country)
                #expect(status == 0 && report.findings.isEmpty, "\(roster): \(report)")
                #expect(report.feeds.map(\.batches) == [2] && report.feeds[0].unproven.isEmpty, "\(report)")
            }
            // One that has not heard of it holds a batch that counts no more.
            let (status, report) = try await check("VN-01.store", under: "v2", country)
            #expect(status == 1 && report.feeds.map(\.unproven) == [[2]], "\(report)")
            // What has changed on the disk is found as ever.
            #expect(try await country.cluster.stop("VN-48") == 0)
            try country.cluster.rot(batch: 1, of: "VN-48")
            let (damaged, found) = try await check("VN-48.store", under: "v2", country)
            #expect(damaged == 1 && found.feeds.map(\.damaged) == [[1]], "\(found)")
        }
    }

    @Test(arguments: [nil, 0] as [UInt64?]) func theSalvageTakesWhatStands(rotten: UInt64?) async throws {
        try await withClosedKey { country, feed in
            let cluster = country.cluster
            #expect(try await cluster.stop("VN-48") == 0)
            if let rotten { try cluster.rot(batch: rotten, of: "VN-48") }
            let store = try FileHandle(forUpdating: URL(fileURLWithPath: cluster.scratch.file("VN-48.store")))
            try store.seek(toOffset: 24)
            // The page that SQLite thinks to be free: beyond the file's end.
            try store.seek(toOffset: 32)
            try store.write(contentsOf: Data([0, 0x7f, 0xff, 0xff, 0, 0, 0, 9]))
            try store.close()
            try await cluster.start("VN-48")
            let status = try await cluster.status("VN-48")
            let alarm = try #require(status.alarms.first { $0.what.contains("was moved to") })
            let taken = rotten == nil ? "2 batches that still prove" : "1 batch that still proves"
            #expect(alarm.what.contains("; \(taken)"), "\(alarm.what)")
            // Nobody else runs: what is there was taken over.
            #expect(try await country.feeds("VN-48") == [feed: 2])
            let (_, report) = try await check("VN-48.store", under: "v2", country)
            #expect(report.feeds.map(\.missing) == [rotten == nil ? 0 : 1])
            #expect(report.feeds.map(\.unproven) == [[]] && report.feeds.map(\.damaged) == [[]], "\(report)")
        }
    }
}
