import ExposureKeys
import NIOCore
import RegionalNode
import Replication
import Testing
import TestSupport

/// Nodes that find their neighbours by round trips, over real sockets.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NodeNeighbourhoodTests {
    private static let codes = (1...10).map { $0 < 10 ? "VN-0\($0)" : "VN-\($0)" }

    /// Three regions to which the way is short become neighbours of all; a link that only one end wants is there for both,
    /// and no pair has two.
    @Test func theNearestAreLinked() async throws {
        try await Nodes.with(Self.codes, isSecure: true, listed: Self.codes.count) { nodes in
            let country = nodes.country
            let own = country.regions[0]
            let overlay = Overlay(roster: country.roster)
            let before = overlay.neighbours(of: own) { _ in nil }
            // None that the first node links with anyway.
            let near = country.regions.filter { $0 != own && !before.contains($0) }.prefix(3)
            #expect(near.count == 3)
            var ways: [SlowWay] = []
            for (number, region) in country.regions.enumerated() {
                let time: Int64 = near.contains(region) ? 4 : 60
                ways.append(try await country.slowWay(to: number, roundTrip: .milliseconds(time)))
            }
            for number in country.regions.indices {
                try await nodes.start(
                    number,
                    isSlow: true,
                    change: { configuration in
                        configuration.survey.firstSpread = 200
                        // The first look may be at a node that has not started.
                        configuration.survey.retryPause = 500
                    }
                )
            }
            for (number, region) in country.regions.enumerated() {
                let wanted = overlay.neighbours(of: region) { near.contains($0) ? 1 : nil }
                let isLinked = try await eventually(seconds: 40) {
                    Set(try await nodes[number].status().links).isSuperset(of: wanted.map(\.code))
                }
                let neighbours = try await nodes[number].status().neighbours
                #expect(isLinked, "\(region): \(neighbours)")
            }
            try await checkRoundTrips(nodes, before, Array(near))
            try await checkThatNoPairHasTwoLinks(nodes)
            for way in ways { await way.close() }
        }
    }

    private func checkRoundTrips(_ nodes: Nodes, _ far: [Region], _ near: [Region]) async throws {
        let neighbours = try await nodes[0].status().neighbours
        for (regions, times) in [(near, 0.004...0.04), (far, 0.06...0.2)] {
            for region in regions {
                let shown = try #require(neighbours.first { $0.region == region.code }?.roundTrip)
                #expect(times.contains(shown), "\(region) \(shown)")
            }
        }
        let metrics = try await nodes[0].metrics()
        for region in near + far {
            #expect(metrics.contains("keytide_neighbour_round_trip_seconds{region=\"\(region)\"} 0.0"))
        }
    }

    /// Every link is one connection, which its dialler holds open; measuring is over by now.
    private func checkThatNoPairHasTwoLinks(_ nodes: Nodes) async throws {
        let isSettled = try await eventually(seconds: 20) {
            var (ends, connections) = (0, 0)
            for number in nodes.country.regions.indices {
                let status = try await nodes[number].status()
                ends += status.links.count
                connections += status.peerConnections
            }
            return ends == 2 * connections
        }
        #expect(isSettled)
    }

    /// A link is there if either end names the other, and one if both do, whoever starts first.
    @Test(arguments: [([1], []), ([], [0]), ([1], [0])] as [([Int], [Int])], [0, 1])
    func whoNamesANeighbourIsLinked(names: ([Int], [Int]), first: Int) async throws {
        try await Nodes.with("VN-01", "VN-48", isSecure: true) { nodes in
            let regions = nodes.country.regions
            for number in [first, 1 - first] {
                let named = number == 0 ? names.0 : names.1
                try await nodes.start(number, change: { $0.neighbours = named.map { regions[$0] } })
            }
            #expect(try await eventually { try await nodes[0].status().links == ["VN-48"] })
            #expect(try await eventually { try await nodes[1].status().links == ["VN-01"] })
            // Long enough for whoever waits out of courtesy.
            try await Task.sleep(for: .seconds(4))
            let connections = [try await nodes[0].status(), try await nodes[1].status()].map(\.peerConnections)
            #expect(connections.reduce(0, +) == 1)

            try await nodes.stop(first)
            #expect(try await eventually { try await nodes[1 - first].status().links.isEmpty })
            let named = first == 0 ? names.0 : names.1
            try await nodes.start(first, change: { $0.neighbours = named.map { regions[$0] } })
            #expect(try await eventually { try await nodes[first].status().links.count == 1 })
        }
    }
}
