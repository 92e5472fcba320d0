import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Witnesses that claim what is not, are silent or old, and nodes that pass off old indexes as new.
@Suite struct WitnessLiarTests {
    /// An epoch that VN-05 has never begun: the signatures are another region's.
    private func invention(_ nodes: Nodes) throws -> PublishedFeed {
        let region = try #require(Region("VN-05"))
        let signer = try Country.signer(of: try #require(Region("VN-04")))
        var feed = PublishedFeed(FeedID(region: region, epoch: Epoch(77)), signer: signer)
        for _ in 0..<3 { try feed.publish([], at: Interval(unixSeconds: nodes.time)) }
        return feed
    }

    /// Nodes of which the phone's first witness lists that epoch.
    private func withLiar() async throws -> (nodes: Nodes, liar: String) {
        var nodes = try await Nodes()
        let liar = try #require(try await nodes.witnesses(nodes.phone()).first)
        let invented = try invention(nodes)
        nodes.lies[liar] = { $0 + [invented] }
        try await nodes.pass(hours: 1)
        return (nodes, liar)
    }

    /// Asked itself, or contradicted by the other witness: whoever claims what nobody shows is found out.
    @Test(arguments: [false, true])
    func aWitnessThatClaimsWhatDoesNotExistLosesItsPlace(isReached: Bool) async throws {
        var (nodes, liar) = try await withLiar()
        let phone = nodes.phone(reaching: isReached ? Nodes.codes : [])
        #expect(try await nodes.sync(phone).witnesses.present.first?.code == liar)
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone).witnesses
        #expect(report.kinds == [.unshownClaim] && report.findings.first?.witness?.code == liar, "\(report.findings)")
        #expect(!report.present.map(\.code).contains(liar))
        for _ in 0..<5 {
            try await nodes.pass(hours: 1)
            let next = try await nodes.sync(phone).witnesses
            #expect(next.isWitnessed && next.findings.isEmpty && !next.present.map(\.code).contains(liar))
        }
        #expect(try await phone.storage.evidence().isEmpty)
    }

    /// One witness alone against the node: nobody can tell, until the phone meets a node of a third operator.
    @Test func withOneWitnessItIsOneWordAgainstAnother() async throws {
        var (nodes, liar) = try await withLiar()
        var phone = nodes.phone()
        phone.options.witnesses = 1
        try await nodes.sync(phone)
        for _ in 0..<3 {
            try await nodes.pass(hours: 1)
            let report = try await nodes.sync(phone).witnesses
            #expect(report.kinds == [.notShown] && report.isWitnessed, "\(report.findings)")
            #expect(try await phone.storage.witnessBook().disputes.count == 1)
        }
        try await nodes.pass(hours: 1)
        let other = try #require(Nodes.codes.last { $0 != liar && $0 != "VN-05" })
        let there = try await nodes.sync(phone, with: other).witnesses
        #expect(there.kinds.contains(.unshownClaim), "\(there.findings)")
        let book = try await phone.storage.witnessBook()
        #expect(book.disputes.isEmpty)
        #expect(book.voice(of: try #require(Region(liar)))?.barredUntil ?? 0 > nodes.time)
        #expect(try await phone.storage.evidence().isEmpty)
    }

    /// Batches of which a witness guesses the number, but cannot know the content: nobody who lacked them is accused, and
    /// the region's own signature tells on the witness.
    @Test func aGuessThatComesTrueIsNoClaim() async throws {
        var nodes = try await Nodes()
        let liar = try #require(try await nodes.witnesses(nodes.phone()).first)
        let phone = nodes.phone()
        nodes.lies[liar] = { feeds in
            feeds.map { feed in
                guard feed.id.region.code == "VN-05" else { return feed }
                var longer = feed
                try? longer.publish([], at: Sample.interval)
                return longer
            }
        }
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone).witnesses
        #expect(report.kinds == [.falseClaim] && report.findings.first?.witness?.code == liar, "\(report.findings)")
        let evidence = try await phone.storage.evidence()
        #expect(evidence.map(\.kind) == [.indexClaim])
        #expect(evidence.first?.node == "http://\(liar.lowercased()).example:80")
        #expect(evidence.first?.held == (try nodes.feeds[4].checkpoint(at: 3).bytes))
        try await nodes.pass(hours: 1)
        let next = try await nodes.sync(phone).witnesses
        #expect(next.isWitnessed && !next.present.map(\.code).contains(liar))
    }

    @Test func anOldIndexOfAWitnessIsRefusedAndKept() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        let witness = try #require(try await nodes.witnesses(phone).first)
        let old = try await nodes[witness].said()
        for hour in 1...6 {
            try await nodes.pass(hours: 1)
            if hour > 4 { await nodes.home.hear(witness, old) }
            let report = try await nodes.sync(phone)
            #expect(report.isUpToDate)
            #expect(report.witnesses.kinds == (hour == 5 ? [.replayed] : []), "\(hour): \(report.witnesses.findings)")
        }
        let evidence = try #require(try await phone.storage.evidence().first)
        #expect(evidence.kind == .replay && evidence.node == nodes.home.node && evidence.feed.region.code == witness)
        #expect(evidence.contradicting == old.index.bytes)
        let held = try FeedIndex(evidence.held[...], keys: { nodes.country.roster.keys(of: $0) })
        #expect(held.node.code == witness && held.time - old.index.time > 7200)
        // Another one has taken its place.
        let present = try await nodes.sync(phone).witnesses.present.map(\.code)
        #expect(present.count == 2 && !present.contains(witness))
    }

    @Test func anOldIndexOfTheNodeIsRefusedAndKept() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        try await nodes.pass(hours: 5)
        try await nodes.sync(phone)
        // Caches may be an hour apart.
        nodes.clocks["VN-01"] = nodes.time - 7200
        try await nodes.show()
        #expect(try await nodes.sync(phone).holdsAll)
        nodes.clocks["VN-01"] = nodes.time - 7201
        try await nodes.show()
        await #expect(throws: SyncError(.replayed, "")) { try await nodes.sync(phone) }
        let evidence = try #require(try await phone.storage.evidence().first)
        #expect(evidence.kind == .replay && evidence.feed.region.code == "VN-01")
        let read = { (bytes: [UInt8]) in
            try FeedIndex(bytes[...], keys: { nodes.country.roster.keys(of: $0) }).time
        }
        #expect(try read(evidence.held) - read(evidence.contradicting) > 7200)
    }

    /// A node that shows one index for ever never contradicts itself, but it is soon too old to count.
    @Test func anIndexThatStandsStillCountsAsNone() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        let standing = nodes.feeds
        nodes.lies["VN-01"] = { _ in standing }
        nodes.clocks["VN-01"] = nodes.time
        for hour in 0..<5 {
            let report = try await nodes.sync(phone).witnesses
            #expect(report.kinds.contains(.stale) == (hour > 1), "\(hour): \(report.findings)")
            try await nodes.pass(hours: 1)
        }
    }

    @Test func whoseIndexIsNotToBeHadIsReplaced() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        let drawn = try await nodes.witnesses(phone)
        nodes.hidden = [drawn[0]]
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone).witnesses
        #expect(report.isWitnessed && report.findings.isEmpty)
        #expect(report.present.map(\.code).contains(drawn[1]) && !report.present.map(\.code).contains(drawn[0]))
        // Its place is kept for it.
        nodes.hidden = []
        try await nodes.pass(hours: 7)
        #expect(try await nodes.witnesses(phone) == drawn)
        // Below the number wanted the phone syncs, and says so.
        nodes.hidden = Nodes.codes
        try await nodes.pass(hours: 4)
        let alone = try await nodes.sync(phone)
        #expect(alone.isUpToDate && !alone.witnesses.isWitnessed && alone.witnesses.present.isEmpty)
    }

    @Test func anIndexFromAheadIsNone() async throws {
        var nodes = try await Nodes()
        let drawn = try await nodes.witnesses(nodes.phone())
        nodes.clocks[drawn[0]] = nodes.time + 7200 + 121
        try await nodes.show()
        let present = try await nodes.sync(nodes.phone()).witnesses.present.map(\.code)
        #expect(present.count == 2 && !present.contains(drawn[0]))
    }

    @Test func witnessesAreOfDistinctOperatorsOtherThanTheNodes() async throws {
        let nodes = try await Nodes(operators: ["VN-02": "A", "VN-03": "A", "VN-04": "A", "VN-06": "CDC VN-01"])
        var phone = nodes.phone()
        phone.options.witnesses = 5
        await nodes.home.forgetRequests()
        let report = try await nodes.sync(phone).witnesses
        #expect(report.present.count == 2 && report.wanted == 5 && !report.isWitnessed)
        #expect(report.present.filter { $0.code == "VN-05" }.count == 1)
        #expect(!report.present.map(\.code).contains("VN-06"))
        let asked = await nodes.home.requests.filter { $0.hasPrefix("/v1/index/") }
        #expect(asked.count == 2, "\(asked)")
    }

    /// An index that is signed anew between the two requests is read again.
    @Test func differencesOfANewerIndexAreAskedForAgain() async throws {
        let nodes = try await Nodes()
        let phone = nodes.phone()
        let drawn = try await nodes.witnesses(nodes.phone())
        await nodes.home.sign(at: nodes.time + 30, whenAskedFor: "/v1/index/\(drawn[1])")
        await nodes.home.forgetRequests()
        let report = try await nodes.sync(phone)
        #expect(report.witnesses.isWitnessed && report.indexTime == nodes.time + 30)
        #expect(await nodes.home.requests.filter { $0 == "/v1/index" }.count == 2)
    }
}
