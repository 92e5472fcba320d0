import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// 2025-07-01: the roster of 63 provinces becomes that of 34, by the commands, while five of their nodes run: Lào Cai,
/// which became part of Yên Bái's region; Yên Bái, which goes on under the name of Lào Cai; and three that stay.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ProvinceMergerTests {
    private struct Province: Decodable, Hashable {
        var region: String
        var vi: String
        var en: String
        var successor: String?
    }

    private struct Shown: Decodable {
        var version: UInt64
        var signatures: Int
        var regions: [Province]
    }

    private func provinces(_ list: String, _ authorities: Authorities) async throws -> [Province] {
        let printed = try await authorities.run(["roster", "provinces", "--list", list, "--json"])
        return try printed.output.split(separator: "\n").map {
            try JSONDecoder().decode(Province.self, from: Data($0.utf8))
        }
    }

    private func shown(_ roster: String, _ authorities: Authorities) async throws -> Shown {
        let outcome = try await authorities.run([
            "roster", "show", authorities.scratch.file(roster), "--authorities", authorities.file, "--json",
        ])
        return try JSONDecoder().decode(Shown.self, from: Data(outcome.output.utf8))
    }

    /// Makes the roster of the 34 from that of the 63.
    private func merge(_ authorities: Authorities) async throws {
        let before = try await provinces("2021", authorities)
        #expect(try await shown("roster", authorities).regions.map(\.vi) == before.map(\.vi))
        let drafted = try await authorities.make("v2", after: "roster", ["--merge-provinces"])
        #expect(drafted.components(separatedBy: "RETIRED").count - 1 == 29)
        #expect(drafted.contains("Yên Bái (Yen Bai) -> Lào Cai (Lao Cai)"))
        let roster = try await shown("v2", authorities)
        #expect(roster.version == 2 && roster.signatures == 2 && roster.regions.count == 63)
        let now = roster.regions.filter { $0.successor == nil }
        #expect(now.map(\.region) == (try await provinces("2025", authorities)).map(\.region))
        #expect(now.map(\.vi) == (try await provinces("2025", authorities)).map(\.vi))
        #expect(now.map(\.en) == (try await provinces("2025", authorities)).map(\.en))
        #expect(roster.regions.map { $0.successor ?? $0.region } == before.map { $0.successor ?? "" })
        #expect(try await authorities.verify("v2", after: "roster").status == 0)
        // Nothing is left to be done the next time.
        let again = try await authorities.draft("v3", after: "v2", ["--merge-provinces"])
        #expect(again.output.contains("no region changes"), "\(again.output)\(again.errors)")
    }

    /// Whether these are neighbours, and linked or not as said; who else is one follows from hashes.
    private func areNeighbours(_ ring: [String: Bool], of region: String, _ cluster: Cluster) async throws -> Bool {
        let neighbours = try await cluster.status(region).neighbours
        return ring.allSatisfy { code, isLinked in
            neighbours.contains { $0.region == code && $0.isLinked == isLinked }
        }
    }

    @Test func sixtyThreeBecomeThirtyFour() async throws {
        let running = ["VN-10", "VN-11", "VN-12", "VN-14", "VN-15"]
        let absent = VietnamProvince.until2025.map(\.region.code).filter { !running.contains($0) }
        try await SignedCluster.with(
            "VN-10",
            "VN-11",
            "VN-12",
            "VN-14",
            "VN-15",
            absent: absent,
            list: "2021"
        ) { country in
            let cluster = country.cluster
            let archives = try (0..<4).map { try cluster.archives.make("\($0).zip", patients: 5) }
            for (region, archive) in zip(["VN-10", "VN-12", "VN-15"], archives) {
                #expect(try await cluster.import(region, archive.path).outcome.status == 0)
            }
            #expect(try await cluster.converge("VN-10", "VN-11", "VN-12", "VN-14", "VN-15"))
            #expect(try await areNeighbours(["VN-14": true, "VN-17": false], of: "VN-15", cluster))
            let phone = try Phone("phone", meeting: archives.compactMap(\.keys.first), of: cluster)
            let first = try await phone.sync(port: country.port("VN-12"))
            #expect(first.upToDate && first.feeds.count == 3, "\(first.problems)")

            try await merge(country.authorities)
            #expect(try await country.install("v2", at: "VN-12", version: 2, reaching: running))
            let after = ["VN-10": true, "VN-14": true, "VN-19": false]
            #expect(try await eventually { try await areNeighbours(after, of: "VN-15", cluster) })
            #expect(try await eventually { try await cluster.status("VN-10").links == ["VN-15"] })
            #expect(
                try await eventually {
                    try await areNeighbours(["VN-08": false, "VN-12": true], of: "VN-11", cluster)
                }
            )
            #expect(try await cluster.status("VN-15").ownKeys == archives[0].keys.count + archives[2].keys.count)

            // The one that was merged publishes no more; its successor and the others do.
            #expect(try await cluster.import("VN-10", archives[3].path).outcome.status == 1)
            let revoked = try cluster.archives.revoke("revoked.zip", Array(archives[0].keys.prefix(1)))
            let imported = try await cluster.import("VN-15", archives[3].path, revoked.path)
            #expect(imported.reports.map { $0.report?.published } == [archives[3].keys.count, 1])
            #expect(try await cluster.converge("VN-10", "VN-11", "VN-12", "VN-14", "VN-15"))
            #expect(try await cluster.alarms("VN-11", "VN-12", "VN-14", "VN-15") == [])
            let late = try Phone("late", meeting: archives.compactMap(\.keys.first), of: cluster)
            for (phone, region) in [(phone, "VN-12"), (late, "VN-11")] {
                let sync = try await phone.sync(port: country.port(region))
                #expect(sync.upToDate && sync.evidence.isEmpty, "\(sync.problems)")
            }
            #expect(try await late.match().matchedKeys == 3)
        }
    }
}
