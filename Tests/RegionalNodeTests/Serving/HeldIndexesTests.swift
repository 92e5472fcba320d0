import ExposureKeys
import FeedFormat
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// `GET /v1/index/{region}`: other nodes' indexes, as differences from the node's own.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HeldIndexesTests {
    private func index(_ nodes: Nodes, _ number: Int) async throws -> FeedIndex {
        let (head, body) = try await nodes[number].get("/v1/index")
        guard head.status == 200 else { throw TestFailure("the index answered \(head.status)") }
        let roster = nodes.country.roster
        return try FeedIndex(Array(body.readableBytesView)[...]) { roster.keys(of: $0) }
    }

    /// The index of one node as another serves it; nil if none is held.
    private func index(_ nodes: Nodes, of region: Region, at number: Int) async throws -> FeedIndex? {
        // A node may sign anew between the two requests.
        for _ in 0..<20 {
            let ours = try await index(nodes, number)
            let (head, body) = try await nodes[number].get("/v1/index/\(region)")
            if head.status == 404 { return nil }
            let difference = try IndexDifference(bytes: Array(body.readableBytesView)[...])
            let roster = nodes.country.roster
            do throws(FormatError) {
                return try difference.applied(to: ours) { roster.keys(of: $0) }
            } catch {
                guard error.code == .wrongPosition else { throw error }
            }
        }
        throw TestFailure("\(region): the own index changed twenty times")
    }

    private func settledPart(_ index: FeedIndex, from node: TestNode) async throws -> IndexPart {
        let (head, body) = try await node.get("/v1/index/settled/\(index.settledHash.hexadecimal)")
        #expect(head.status == 200)
        return try IndexPart(bytes: Array(body.readableBytesView)[...])
    }

    @Test func eachServesTheOthersIndex() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            try await nodes[0].publish(try country.archive(patients: 5), of: country)
            // What the two say is signed before they link, so that the greeting brings it.
            #expect(try await eventually { try await index(nodes, 0).fresh.entries.count == 1 })
            let isHeld = try await index(nodes, of: country.regions[1], at: 0) != nil
            #expect(!isHeld)
            try await nodes.start(1)
            for (number, other) in [(0, 1), (1, 0)] {
                let region = country.regions[other]
                #expect(try await eventually { try await index(nodes, of: region, at: number) != nil })
                let held = try #require(try await index(nodes, of: region, at: number))
                #expect(held.node == region)
                let part = try await settledPart(held, from: nodes[number])
                #expect(try held.entries(with: part).count == held.fresh.entries.count)
            }
            #expect(try await nodes.converge(0, 1))
            let first = try #require(try await index(nodes, of: country.regions[0], at: 1))
            #expect(first.fresh.entries.map(\.feed.region) == [country.regions[0]])
            #expect(try await nodes[0].status().alarms.isEmpty)
            #expect(try await nodes[1].status().alarms.isEmpty)
        }
    }

    /// Indexes are passed on: also one that is no neighbour's is served.
    @Test func indexesOfAllRegionsAreServed() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            for number in 0..<3 { try await nodes.start(number) }
            let last = nodes.country.regions[2]
            #expect(try await eventually(seconds: 30) { try await index(nodes, of: last, at: 0) != nil })
            #expect(try await nodes[0].status().links == [nodes.country.regions[1].code])
        }
    }

    @Test func theOwnIndexHasNoDifferences() async throws {
        try await Nodes.with("VN-01") { nodes in
            try await nodes.start(0)
            let region = nodes.country.regions[0]
            let own = try #require(try await index(nodes, of: region, at: 0))
            #expect(own.node == region)
            let (head, body) = try await nodes[0].get("/v1/index/\(region)")
            #expect(head.status == 200)
            #expect(head.fields["cache-control"]?.hasPrefix("public, max-age=") == true)
            #expect(body.readableBytes < 400)
            let tag = try #require(head.fields["etag"])
            let (again, nothing) = try await nodes[0].get("/v1/index/\(region)", fields: ["if-none-match": tag])
            // Signed anew meanwhile, it has another tag.
            #expect(again.status == 304 || again.fields["etag"] != tag)
            #expect(again.status == 200 || nothing.readableBytes == 0)
        }
    }

    /// Feeds unchanged for two days stand in the settled part, which is not in the difference.
    @Test func settledPartsOfOthersAreServed() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            try await nodes[0].publish(try country.archive(patients: 5), of: country)
            try await nodes.stop(0)
            let later = TestCountry.time + 3 * 86_400
            try await nodes.start(0, asOf: later)
            let own = try await index(nodes, 0)
            #expect(own.settledCount == 1)
            try await nodes.start(1, asOf: later)
            let region = country.regions[0]
            #expect(try await eventually { try await index(nodes, of: region, at: 1) != nil })
            let held = try #require(try await index(nodes, of: region, at: 1))
            let part = try await settledPart(held, from: nodes[1])
            #expect(try held.entries(with: part).map(\.feed.region) == [region])
        }
    }
}
