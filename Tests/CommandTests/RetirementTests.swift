import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// Regions that others take over, with real nodes, authorities and phones.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RetirementTests {
    /// - Parameter asOf: where the phone's clock begins, a day after the node's: its index is no news then.
    private func expectMatch(_ phone: Phone, at port: Int, asOf: String? = nil, keys: Int) async throws {
        let sync = try await phone.sync(port: port, asOf: asOf)
        #expect(sync.upToDate == (asOf == nil) && sync.evidence.isEmpty, "\(sync.problems)")
        #expect(try await phone.match().matchedKeys == keys)
    }

    @Test func whatARetiredRegionPublishedLivesOnAndItsSuccessorRevisesIt() async throws {
        try await SignedCluster.with("VN-10", "VN-15", "VN-48", list: "2021") { country in
            let (cluster, authorities) = (country.cluster, country.authorities)
            let archive = try cluster.archives.make("archive.zip", patients: 10)
            let published = try await cluster.import("VN-10", archive.path)
            let feed = try #require(published.reports.first?.report?.feed)
            #expect(try await cluster.converge("VN-10", "VN-15", "VN-48"))
            let met = Array(archive.keys.prefix(6))
            let phone = try Phone("phone", meeting: met, of: cluster)
            try await expectMatch(phone, at: country.port("VN-48"), keys: 6)
            // Nobody but a successor revises what another region has published.
            let revoked = try cluster.archives.revoke("revoked.zip", Array(met.prefix(2)))
            #expect(try await cluster.status("VN-15").ownKeys == 0)

            let drafted = try await authorities.make("v2", after: "roster", ["--retire", "VN-10=VN-15"])
            #expect(drafted.contains("RETIRED") && drafted.contains("into VN-15"))
            #expect(try await country.install("v2", at: "VN-48", version: 2, reaching: cluster.regions))
            #expect(try await eventually { try await cluster.status("VN-15").ownKeys == archive.keys.count })
            #expect(
                try await eventually {
                    try await cluster.alarms("VN-10").contains { $0.contains("VN-15 publishes in its place") }
                }
            )
            let refused = try await cluster.import("VN-10", archive.path)
            #expect(refused.outcome.status == 1 && refused.reports.first?.error?.contains("VN-15") == true)
            let revised = try await cluster.import("VN-15", archive.path, revoked.path)
            #expect(revised.reports.map { $0.report?.published } == [0, 2])

            // The retired region's node is switched off for good, and another one loses its disk.
            #expect(try await cluster.converge("VN-10", "VN-15", "VN-48"))
            #expect(try await cluster.stop("VN-10") == 0)
            #expect(try await cluster.stop("VN-48") == 0)
            try cluster.loseStore("VN-48")
            try await cluster.start("VN-48")
            #expect(try await cluster.converge("VN-15", "VN-48"))
            #expect(try await country.feeds("VN-48")[feed] == 1)
            #expect(try await cluster.alarms("VN-15", "VN-48") == [])
            let late = try Phone("late", meeting: met, of: cluster)
            try await expectMatch(late, at: country.port("VN-48"), keys: 4)
            // The other one looks for a newer roster within a day.
            let tomorrow = Date(timeIntervalSinceNow: 90_000).ISO8601Format()
            try await expectMatch(phone, at: country.port("VN-48"), asOf: tomorrow, keys: 4)
        }
    }
}
