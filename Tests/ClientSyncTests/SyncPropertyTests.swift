import ClientSync
import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// Whatever the order of nodes and interruptions, a phone that has caught up holds the fold of everything published.
@Suite struct SyncPropertyTests {
    @Test(arguments: UInt64(0)..<12)
    func anyOrderOfNodesAndInterruptionsGivesTheFold(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let codes = ["VN-01", "VN-02", "VN-03"]
        let country = try Country(codes)
        var feeds: [PublishedFeed] = []
        for code in codes {
            for epoch in 1...UInt64.random(in: 1...3, using: &random) {
                feeds.append(try country.feed(code, epoch: epoch))
            }
        }
        var published: [DiagnosisKey] = []
        let servers = try codes.map { try FeedServer($0, country: country, feeds: []) }
        let memory = MemoryDeviceStorage()
        for round in 0..<12 {
            for _ in 0..<10 {
                try publishSomething(to: &feeds, published: &published, using: &random)
            }
            // Each node learns of it or lags behind.
            for server in servers where Bool.random(using: &random) {
                await server.serve(feeds.filter { $0.count > 0 }, at: Sample.now + Int64(round))
            }
            let storage = InterruptedStorage(
                memory,
                failing: Int.random(in: 1...12, using: &random),
                afterwards: Bool.random(using: &random)
            )
            let server = try #require(servers.randomElement(using: &random))
            if Int.random(in: 0..<3, using: &random) == 0 {
                await server.fail(after: Int.random(in: 0..<12, using: &random))
            }
            do {
                try await Phone(country, storage: storage).sync(server)
            } catch is InterruptedStorage.Killed {
                // Resumed by a later round.
            } catch let error as SyncError {
                #expect(error.code == .noAnswer)
            }
            await server.fail(after: nil)
        }
        await servers[0].serve(feeds.filter { $0.count > 0 }, at: Sample.now + 100)
        let phone = Phone(country, storage: memory)
        #expect(try await phone.sync(servers[0]).isUpToDate)
        let reference = try RegionState.reference(feeds, now: Sample.interval)
        let state = try await phone.state()
        #expect(state == reference)
        #expect(state.map { $0.keys.live(at: Sample.interval) } == reference.map { $0.keys.live(at: Sample.interval) })
    }

    /// New keys, and old ones under other report types.
    private func publishSomething(
        to feeds: inout [PublishedFeed],
        published: inout [DiagnosisKey],
        using random: inout SplitMix64
    ) throws {
        let position = Int.random(in: 0..<feeds.count, using: &random)
        var keys = try Sample.keys(
            Int.random(in: 0..<4, using: &random),
            daysAgo: Int.random(in: 1..<15, using: &random),
            using: &random
        )
        if let old = published.randomElement(using: &random),
            let type = ReportType.allCases.randomElement(using: &random)
        {
            keys.append(DiagnosisKey(data: old.data, metadata: old.metadata.with(reportType: type)))
        }
        published += keys
        try feeds[position].publish(keys, at: Sample.interval.advanced(by: -Int64.random(in: 0..<60, using: &random)))
    }
}
