import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Batches that have rotted at a node: the rest of the feed comes all the same, and they come from whoever has them.
@Suite struct DamagedBatchTests {
    private let country: Country
    private let feed: PublishedFeed

    init() throws {
        country = try Country(["VN-01", "VN-02"])
        feed = try SyncFaultTests.feed(country, "VN-01", batches: 21, seed: 81)
    }

    private func server(_ code: String = "VN-02", damaged: Set<UInt64> = [], feed: PublishedFeed? = nil) async throws
        -> FeedServer
    {
        let server = try FeedServer(code, country: country, feeds: [feed ?? self.feed])
        await server.damage(damaged)
        return server
    }

    private func held(_ phone: Phone) async throws -> [UInt64] {
        try await phone.storage.publications(of: feed.id, below: .max).map(\.number)
    }

    @Test(arguments: [[0], [5], [0, 1, 2], [3, 11, 12, 19], Set(0..<20)] as [Set<UInt64>])
    func theRestComesAllTheSame(damaged: Set<UInt64>) async throws {
        let phone = Phone(country)
        for batches in [21 - damaged.count, 0] {
            let report = try await phone.sync(try await server(damaged: damaged))
            #expect(report.feeds.map(\.problem?.code) == [.damaged] && !report.isUpToDate)
            #expect(report.batches == batches)
            #expect(try await phone.size(of: feed.id) == 21)
        }
        #expect(try await held(phone) == (0..<21).filter { !damaged.contains($0) })
        // Each is fetched once, from the first node that has it.
        let whole = try await server("VN-01")
        let report = try await phone.sync(whole)
        #expect(report.isUpToDate && report.batches == damaged.count, "\(report.feeds)")
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
        await whole.forgetRequests()
        try await phone.sync(whole)
        #expect(await whole.requests == ["/v1/index"])
    }

    /// No node has all of it; together they have.
    @Test(arguments: 1...40 as ClosedRange<UInt64>) func nodesCompleteOneAnother(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var sets: [Set<UInt64>] = [[], [], []]
        for number in 0..<20 as Range<UInt64> {
            let whole = Int.random(in: 0..<3, using: &random)
            for node in 0..<3 where node != whole && Int.random(in: 0..<3, using: &random) == 0 {
                sets[node].insert(number)
            }
        }
        let phone = Phone(country)
        for set in sets {
            var shown = feed
            shown.first = UInt64.random(in: 0...3, using: &random)
            try await phone.sync(try await server(damaged: set, feed: set == sets.last ? nil : shown))
        }
        for set in sets { try await phone.sync(try await server(damaged: set)) }
        #expect(try await held(phone) == Array(0..<21), "\(sets)")
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    /// Nothing proves the hash of the last one yet.
    @Test func theLastOneIsWaitedFor() async throws {
        let phone = Phone(country)
        let report = try await phone.sync(try await server(damaged: [18, 20]))
        #expect(report.feeds.map(\.problem?.code) == [.damaged])
        #expect(try await phone.size(of: feed.id) == 20)
        #expect(try await phone.sync(try await server("VN-01")).isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }

    /// The hash that a node gives for what it calls damaged is proven by what follows.
    @Test func aWrongHashIsNotBelieved() async throws {
        let phone = Phone(country)
        let liar = try await server(damaged: [8])
        await liar.alter("/v1/feeds/VN-01/0000000000000001/hashes/0/8") { body in
            TransportResponse(status: 200, body: body.reversed())
        }
        #expect(try await phone.sync(liar).feeds.map(\.problem?.code) == [.badFeed])
        #expect(try await phone.size(of: feed.id) == 8)
        #expect(try await held(phone) == Array(0..<8))
        #expect(try await phone.sync(try await server("VN-01")).isUpToDate)
    }

    /// A node that is busy answers 503 as well: it is asked again later, and nothing is left out.
    @Test(arguments: ["busy", "store-failed", "damagedX"]) func aBusyNodeIsWaitedFor(problem: String) async throws {
        let phone = Phone(country)
        let busy = try await server()
        for path in ["4/0", "2/4", "0/20"] {
            await busy.alter("/v1/feeds/VN-01/0000000000000001/\(path)") { _ in
                TransportResponse(status: 503, body: Array("{\"type\":\"urn:keytide:problem:\(problem)\"}".utf8))
            }
        }
        #expect(try await phone.sync(busy).feeds.map(\.problem?.code) == [.unexpectedStatus])
        #expect(try await held(phone).isEmpty)
        await busy.repair()
        #expect(try await phone.sync(busy).isUpToDate)
    }

    @Test(arguments: [[4], [0, 9], [20], [0, 20]] as [Set<UInt64>])
    func whatStandsUnderAClosedKeyComesToo(damaged: Set<UInt64>) async throws {
        var phone = Phone(country)
        phone.options.limits.rosterAge = 0
        let rotten = try await server(damaged: damaged)
        let whole = try await server()
        let roster = try country.closing("VN-01", standing: [feed])
        for node in [rotten, whole] { await node.set(roster: roster) }
        let report = try await phone.sync(rotten, now: Sample.now + 10)
        #expect(report.feeds.map(\.problem?.code) == [.damaged])
        #expect(try await held(phone) == (0..<21).filter { !damaged.contains($0) })
        #expect(try await phone.sync(whole, now: Sample.now + 20).isUpToDate)
        #expect(try await phone.state() == RegionState.reference([feed], now: Sample.interval))
    }
}
