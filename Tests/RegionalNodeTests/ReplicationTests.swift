import ExposureKeys
import HTTP2
import RegionalNode
import Testing
import TestSupport

/// Nodes that replicate over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ReplicationTests {
    @Test func threeInALineConverge() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0..<3 { try await nodes.start(number) }
            for number in 0..<3 {
                try await nodes[number].publish(try nodes.country.archive(patients: 30), of: nodes.country)
            }
            #expect(try await nodes.converge(0, 1, 2))
            let status = try await nodes[1].status()
            #expect(status.feeds.count == 3)
            #expect(status.links == ["VN-01", "VN-79"])
            #expect(status.alarms.isEmpty)
            #expect(status.lag == 0)
        }
    }

    /// Their answers may overtake each other, their batches must not.
    @Test func importsAtOnceReachTheNeighbour() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            let country = nodes.country
            let archives = try (0..<12).map { _ in try country.archive(patients: 5) }
            let node = try nodes[0]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for archive in archives { group.addTask { try await node.publish(archive, of: country) } }
                try await group.waitForAll()
            }
            #expect(try await nodes.converge(0, 1))
            #expect(try await nodes[1].status().feeds.map(\.count) == [12])
        }
    }

    @Test func aNodeThatWasDownAndALateJoinerCatchUp() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            let country = nodes.country
            try await nodes[0].publish(try country.archive(patients: 10), of: country)
            #expect(try await nodes.converge(0, 1))
            try await nodes.stop(1)
            for _ in 0..<40 { try await nodes[0].publish(try country.archive(patients: 2), of: country) }
            try await nodes.start(1)
            #expect(try await nodes.converge(0, 1))
            try await nodes.start(2)
            #expect(try await nodes.converge(0, 1, 2))
            #expect(try await nodes[2].status().feeds.map(\.count) == [41])
        }
    }

    /// Hashes and the newest batches come first; what lies between is there in the end, over a restart in the middle.
    @Test func whoeverIsFarBehindShowsTheNewestFirst() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            let country = nodes.country
            for _ in 0..<240 { try await nodes[0].publish(try country.archive(patients: 2), of: country) }
            #expect(try await nodes.converge(0, 1))
            try await nodes.start(2)
            #expect(try await eventually(seconds: 20) { try await nodes[2].status().feeds.map(\.count) == [240] })
            try await nodes.stop(2)
            try await nodes.start(2)
            #expect(try await eventually(seconds: 20) { try await nodes[2].status().feeds.map(\.first) == [0] })
            #expect(try await nodes.converge(0, 1, 2))
            #expect(try await nodes[2].status().alarms.isEmpty)
        }
    }

    @Test(arguments: [[0, 1], [1, 0]]) func linksComeUpWithinASecondInAnyOrder(order: [Int]) async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            try await nodes.start(order[0])
            // Long enough for pauses to have grown.
            try await Task.sleep(for: .seconds(2))
            try await nodes.start(order[1])
            let second = try await linkTime(nodes, observer: order[1])
            #expect(second < .seconds(1.5))

            try await nodes.stop(order[1])
            try await Task.sleep(for: .seconds(1))
            try await nodes.start(order[1])
            #expect(try await linkTime(nodes, observer: order[1]) < .seconds(1.5))
        }
    }

    private func linkTime(_ nodes: Nodes, observer: Int) async throws -> Duration {
        let began = ContinuousClock.now
        _ = try await eventually(seconds: 10) { try await nodes[observer].status().links.count == 1 }
        return ContinuousClock.now - began
    }

    @Test func stoppingIsQuickWithLinksOpen() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0..<3 { try await nodes.start(number) }
            _ = try await eventually { try await nodes[1].status().links.count == 2 }
            // The middle one has dialled one link and answered the other.
            let began = ContinuousClock.now
            try await nodes.stop(1)
            #expect(ContinuousClock.now - began < .seconds(3))
            #expect(try await eventually { try await nodes[0].status().links.isEmpty })
            #expect(try await eventually { try await nodes[2].status().links.isEmpty })
        }
    }

    @Test func expiredBatchesLeaveAndNewOnesStay() async throws {
        try await Nodes.with("VN-01") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            let report = try await nodes[0].publish(try country.archive(patients: 10), of: country)
            let feed = try #require(report.feed)
            try await nodes.stop(0)

            try await nodes.start(0, asOf: TestCountry.time + 15 * 86_400 + 600)
            let isGone = try await eventually { try await nodes[0].get("/v1/feeds/\(feed)/0/0").0.status == 410 }
            #expect(isGone)
            let status = try await nodes[0].status()
            #expect(status.feeds.map(\.first) == [1])
            #expect(status.ownKeys == 0)
            // What lies behind is still proven by its hashes.
            #expect(try await nodes[0].get("/v1/feeds/\(feed)/hashes/0/0").0.status == 200)
            #expect(try await nodes[0].get("/v1/feeds/\(feed)/frontier/1").0.status == 200)
        }
    }
}
