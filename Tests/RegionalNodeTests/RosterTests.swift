import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// Newer rosters at running nodes: how they come, spread, stay, and are refused.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RosterTests {
    private func have(_ nodes: Nodes, _ numbers: [Int], version: UInt64) async throws -> Bool {
        try await eventually(seconds: 40) {
            for number in numbers where try await nodes[number].rosterVersion() != "version \(version)" { return false }
            return true
        }
    }

    @Test func oneNodeIsGivenItAndAllHaveItAlsoAfterAStart() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0...2 { try await nodes.start(number) }
            let second = try nodes.country.next()
            let (head, body) = try await nodes[0].install(second.bytes)
            #expect(head.status == 200)
            let report = try JSONDecoder().decode(RosterReport.self, from: Data(body.readableBytesView))
            #expect(report.taken && report.version == 2 && report.hash == second.roster.hash.hexadecimal)
            #expect(try await have(nodes, [0, 1, 2], version: 2))
            // The file that the operator gave still holds version 1.
            try await nodes.stop(2)
            try await nodes.start(2)
            #expect(try await nodes[2].rosterVersion() == "version 2")
            let (_, again) = try await nodes[0].install(second.bytes)
            #expect(try JSONDecoder().decode(RosterReport.self, from: Data(again.readableBytesView)).taken == false)
            // A newer file is noticed by itself.
            let third = try nodes.country.next(after: second.roster)
            try nodes.country.scratch.write(third.bytes, "roster")
            #expect(try await have(nodes, [0, 1, 2], version: 3))
            #expect(try await nodes[1].status().alarms.isEmpty)
        }
    }

    /// Neighbours, links and certificates follow the roster while all nodes run.
    @Test func aRegionIsAddedAndLeavesAgain() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79", isSecure: true, listed: 2) { nodes in
            for number in 0...1 { try await nodes.start(number) }
            let second = try nodes.country.next { _ in nodes.country.entries }
            #expect(try await nodes[0].install(second.bytes).0.status == 200)
            try nodes.country.scratch.write(second.bytes, "roster")
            try await nodes.start(2)
            let archive = try nodes.country.archive(patients: 20)
            try await nodes[2].publish(archive, of: nodes.country)
            #expect(try await nodes.converge(0, 1, 2, seconds: 40))
            #expect(try await eventually { try await nodes[2].status().links == ["VN-01", "VN-48"] })

            let third = try nodes.country.next(after: second.roster) { Array($0.prefix(2)) }
            #expect(try await nodes[1].install(third.bytes).0.status == 200)
            #expect(try await have(nodes, [0, 1], version: 3))
            for (number, other) in [(0, "VN-48"), (1, "VN-01")] {
                #expect(try await eventually { try await nodes[number].status().links == [other] })
            }
            // What nobody could verify any more is no longer indexed.
            let feed = try #require(try await nodes[2].status().feeds.first).feed
            #expect(feed.hasPrefix("VN-79/"))
            #expect(
                try await eventually {
                    let body = try await nodes[0].getLocally("/v1/index")
                    return !String(decoding: body.readableBytesView, as: UTF8.self).contains("VN-79")
                }
            )
        }
    }

    @Test func whatDoesNotFollowIsRefused() async throws {
        try await Nodes.with("VN-01") { nodes in
            try await nodes.start(0)
            let second = try nodes.country.next()
            let forked = try nodes.country.next(issued: 2)
            let expired = try nodes.country.next(after: second.roster, expires: TestCountry.time)
            #expect(try await nodes[0].install(second.bytes).0.status == 200)
            for bytes in [forked.bytes, expired.bytes, Array(second.bytes.dropLast(8)), Array("no roster".utf8)] {
                let (head, body) = try await nodes[0].install(bytes)
                #expect(head.status == 422 && String(buffer: body).contains("roster-refused"))
            }
            #expect(try await nodes[0].rosterVersion() == "version 2")
            // Whoever offered them was told; one in the roster's file is an alarm.
            #expect(try await nodes[0].status().alarms.allSatisfy { !$0.what.contains("was refused") })
            try nodes.country.scratch.write(forked.bytes, "roster")
            let isRaised = try await eventually {
                try await nodes[0].status().alarms.contains { $0.what.contains("was refused") }
            }
            #expect(isRaised)
            // A node that is given a fork at its start says so, and does not choose.
            try await nodes.stop(0)
            await #expect(throws: NodeError(.file, "")) { try await nodes.start(0) }
        }
    }

    /// Also one that this node opened for fetches, to a neighbour that dials it.
    @Test func connectionsToARegionThatLeavesAreClosed() async throws {
        try await Nodes.with("VN-01", "VN-48", isSecure: true) { nodes in
            for number in 0...1 { try await nodes.start(number) }
            try await nodes[0].publish(try nodes.country.archive(patients: 20), of: nodes.country)
            #expect(try await nodes.converge(0, 1))
            // VN-01 dials the link: what its listener has is the connection of VN-48's fetch.
            #expect(try await nodes[0].status().peerConnections == 1)
            let second = try nodes.country.next { Array($0.suffix(1)) }
            #expect(try await nodes[1].install(second.bytes).0.status == 200)
            #expect(try await eventually { try await nodes[0].status().peerConnections == 0 })
        }
    }

    /// The roster in force is the kept one: the file of the setting lists this region.
    @Test func aStartThatIsRefusedNamesTheRosterThatRefusesIt() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            try await nodes.start(0)
            let second = try nodes.country.next { Array($0.suffix(1)) }
            #expect(try await nodes[0].install(second.bytes).0.status == 200)
            try await nodes.stop(0)
            do {
                try await nodes.start(0)
                Issue.record("it started")
            } catch let error as NodeError {
                #expect(error.code == .notInRoster, "\(error)")
                #expect(error.reason.contains("VN-01.store.roster, version 2"), "\(error)")
            }
        }
    }

    @Test func aKeptRosterThatCannotBeReadIsPassedOverWithAnAlarm() async throws {
        try await Nodes.with("VN-01") { nodes in
            try await nodes.start(0)
            let second = try nodes.country.next()
            #expect(try await nodes[0].install(second.bytes).0.status == 200)
            try await nodes.stop(0)
            try nodes.country.scratch.write(second.bytes.dropLast(8), "VN-01.store.roster")
            try await nodes.start(0)
            #expect(try await nodes[0].rosterVersion() == "version 1")
            #expect(try await nodes[0].status().alarms.contains { $0.what.contains("is passed over") })
        }
    }

    @Test func anExpiredRosterRaisesAnAlarmAndStopsNothing() async throws {
        try await Nodes.with("VN-01") { nodes in
            let second = try nodes.country.next(expires: TestCountry.time + 13 * 86_400)
            try nodes.country.scratch.write(second.bytes, "roster")
            try await nodes.start(0)
            #expect(
                try await eventually { try await nodes[0].status().alarms.contains { $0.what.contains("14 days") } }
            )
            try await nodes.stop(0)
            // It started under this roster before.
            try await nodes.start(0, asOf: TestCountry.time + 14 * 86_400)
            #expect(
                try await eventually { try await nodes[0].status().alarms.contains { $0.what.contains("has expired") } }
            )
            #expect(try await nodes[0].get("/healthz").0.status == 200)
        }
    }

    @Test func aKeyThatEndsSoonIsSaidInTime() async throws {
        try await Nodes.with("VN-01") { nodes in
            let second = try nodes.country.next { regions in
                regions.map { region in
                    RosterRegion(
                        id: region.id,
                        vietnameseName: region.vietnameseName,
                        englishName: region.englishName,
                        operatorName: region.operatorName,
                        keys: region.keys.map {
                            let end = TestCountry.time + 13 * 86_400
                            return RosterRegion.Key(verifier: $0.verifier, notBefore: $0.notBefore, notAfter: end)
                        },
                        publicEndpoint: region.publicEndpoint,
                        peerEndpoint: region.peerEndpoint
                    )
                }
            }
            try await nodes.start(0)
            #expect(try await nodes[0].status().alarms.isEmpty)
            #expect(try await nodes[0].install(second.bytes).0.status == 200)
            #expect(
                try await eventually {
                    try await nodes[0].status().alarms.contains {
                        $0.what.contains("key ends at") && $0.what.contains("keytide region rotate")
                    }
                }
            )
        }
    }

    @Test func aRetiredRegionPublishesNoMoreAndIsServedOn() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            for number in 0...1 { try await nodes.start(number) }
            let archive = try nodes.country.archive(patients: 20)
            try await nodes[0].publish(archive, of: nodes.country)
            #expect(try await nodes.converge(0, 1))
            let second = try nodes.country.next { regions in
                regions.map { region in
                    RosterRegion(
                        id: region.id,
                        vietnameseName: region.vietnameseName,
                        englishName: region.englishName,
                        operatorName: region.operatorName,
                        keys: region.keys,
                        publicEndpoint: region.publicEndpoint,
                        peerEndpoint: region.peerEndpoint,
                        successor: region.id.code == "VN-01" ? Region("VN-48") : nil
                    )
                }
            }
            #expect(try await nodes[1].install(second.bytes).0.status == 200)
            #expect(try await have(nodes, [0, 1], version: 2))
            let more = try nodes.country.archive(patients: 20)
            let (head, body) = try await nodes[0].post(more.bytes, key: nodes.country.publisher.verificationKey)
            #expect(head.status == 422 && String(buffer: body).contains("retired"))
            try await nodes[1].publish(more, of: nodes.country)
            #expect(try await nodes.converge(0, 1))
            #expect(try await nodes[1].status().feeds.count == 2)
        }
    }
}
