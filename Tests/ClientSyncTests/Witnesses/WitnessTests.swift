import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Nodes that keep something from phones, and witnesses that show it.
@Suite struct WitnessTests {
    @Test func amongHonestNodesThereIsNothingToFind() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        for hour in 0..<12 {
            await nodes.home.forgetRequests()
            let report = try await nodes.sync(phone)
            #expect(report.witnesses.isWitnessed && report.witnesses.present.count == 2 && report.isUpToDate)
            #expect(report.witnesses.findings.isEmpty, "hour \(hour): \(report.witnesses.findings)")
            let asked = await nodes.home.requests.filter { $0.hasPrefix("/v1/index/") }
            #expect(asked.count == 2, "one request an hour for each: \(asked)")
            // A poll in between costs what it did without witnesses.
            await nodes.home.forgetRequests()
            let warm = try await phone.sync(nodes.home, now: nodes.time + 1800)
            #expect(warm.notModified && warm.witnesses.isWitnessed)
            #expect(await nodes.home.requests == ["/v1/index"])
            try await nodes.pass(hours: 1)
        }
        #expect(try await phone.storage.evidence().isEmpty)
        #expect(try await phone.storage.witnessBook().disputes.isEmpty)
    }

    /// With no other node in reach the phone can only say that one of two lied. The first honest node that it comes to
    /// proves which.
    @Test func aBatchThatIsWithheldIsFoundAndProvenAtAnotherNode() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        try await nodes.pass(hours: 2)
        #expect(try await nodes.sync(phone).witnesses.isWitnessed)
        nodes.lies["VN-01"] = { feeds in feeds.map { $0.id.region.code == "VN-02" ? $0.cut(to: 3) : $0 } }
        for hour in 1...5 {
            try await nodes.pass(hours: 1)
            let report = try await nodes.sync(phone)
            #expect(report.isUpToDate && report.evidence.isEmpty)
            #expect(report.witnesses.kinds.isEmpty == (hour == 1), "\(hour): \(report.witnesses.findings)")
            #expect(report.witnesses.findings.allSatisfy { $0.kind == .notShown && $0.feed == nodes.feeds[1].id })
        }
        #expect(try await !phone.storage.witnessBook().disputes.isEmpty)
        #expect(try await phone.storage.evidence().isEmpty)

        let there = try await nodes.sync(phone, with: "VN-03")
        #expect(there.witnesses.kinds.contains(.withheld) && there.isUpToDate)
        let evidence = try await phone.storage.evidence()
        #expect(evidence.count == 1 && evidence.first?.node == nodes.home.node)
        try check(try #require(evidence.first), nodes)
        #expect(try await phone.storage.witnessBook().disputes.isEmpty)
    }

    /// Evidence of withholding speaks for itself: anybody with the roster can check it.
    private func check(_ evidence: Evidence, _ nodes: Nodes) throws {
        let roster = nodes.country.roster
        let keys = try #require(roster.keys(of: evidence.feed.region))
        let signed = try SignedCheckpoint(
            evidence.held[...],
            region: evidence.feed.region,
            epoch: evidence.feed.epoch,
            keys: keys
        )
        let answer = try #require(IndexStatement(bytes: evidence.contradicting)).read(roster: roster)
        let claim = try #require(IndexStatement(bytes: evidence.witness)).read(roster: roster)
        let had = try #require(claim.entries.first { $0.feed == evidence.feed })
        let lists = answer.entries.first { $0.feed == evidence.feed }?.count ?? 0
        #expect(evidence.kind == .withheld && had.count == evidence.size && signed.checkpoint.size >= had.count)
        #expect(lists < had.count && answer.time - claim.time >= 3600 && answer.node.code == "VN-01")
    }

    @Test(arguments: [false, true])
    func theWitnessItselfProvesWhatIsWithheld(wholly: Bool) async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        nodes.lies["VN-01"] = { feeds in
            feeds.compactMap { $0.id.region.code != "VN-02" ? $0 : wholly ? nil : $0.cut(to: 1) }
        }
        try await nodes.pass(hours: 1)
        #expect(try await nodes.sync(phone).witnesses.findings.isEmpty)
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone)
        #expect(report.witnesses.kinds == [.withheld, .withheld], "\(report.witnesses.findings)")
        #expect(report.witnesses.isWitnessed)
        try check(try #require(report.evidence.first), nodes)
        #expect(try await phone.storage.evidence().count == 1, "the same again says nothing new")
        #expect(report.index == .disproved)
        // Until witnesses are asked again, what is proven stays proven.
        for minutes in [10, 30] as [Int64] {
            let poll = try await phone.sync(nodes.home, now: nodes.time + minutes * 60)
            #expect(!poll.notModified && poll.index == .disproved && poll.freshness.trust == .disproved)
        }
        nodes.lies = [:]
        try await nodes.show()
        #expect(try await phone.sync(nodes.home, now: nodes.time + 2000).isUpToDate)
    }

    /// The feed's settled part is another one at the node that withholds.
    @Test func settledFeedsAreHeldAgainstTheNodeToo() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        for code in Nodes.codes { await nodes[code].settle([nodes.feeds[1].id, nodes.feeds[2].id]) }
        nodes.lies["VN-01"] = { feeds in feeds.filter { $0.id.region.code != "VN-02" } }
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone)
        #expect(report.witnesses.kinds == [.withheld, .withheld], "\(report.witnesses.findings)")
        try check(try #require(report.evidence.first), nodes)
    }

    /// No node takes a batch that cannot be read, or from far ahead, nor what follows it: its region alone has that.
    @Test(arguments: [0, 1], [false, true])
    func aNodeOwesNothingBehindABatchThatNobodyTakes(following: Int, isReadable: Bool) async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        let feed = nodes.feeds[1]
        var spoiled = feed
        if isReadable {
            try spoiled.publish([], at: Interval(unixSeconds: nodes.time).advanced(by: 5000))
        } else {
            spoiled.publish(raw: try Batch(number: 77, publication: Interval(unixSeconds: nodes.time), keys: []))
        }
        for _ in 0..<following { try spoiled.publish([], at: Interval(unixSeconds: nodes.time)) }
        for code in Nodes.codes {
            nodes.lies[code] = { [spoiled] feeds in
                feeds.map { $0.id != feed.id ? $0 : code == "VN-02" ? spoiled : feed }
            }
        }
        try await nodes.show()
        for _ in 0..<4 {
            let report = try await nodes.sync(phone).witnesses
            #expect(!report.kinds.contains(.withheld), "\(report.findings)")
            try await nodes.pass(hours: 1)
        }
        #expect(try await phone.storage.evidence().isEmpty)
        #expect(await nodes["VN-02"].requests.contains("/v1/feeds/\(feed.id)/0/1"), "nobody has asked for it")
    }

    /// A node that was cut off lacks what others have, and has not passed it on: that is no withholding.
    @Test func aNodeThatIsCutOffIsBehindAndNotAccused() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone, with: "VN-05")
        nodes.lies["VN-01"] = { feeds in feeds.map { $0.cut(to: 1) } }
        try await nodes.pass(hours: 1)
        let report = try await nodes.sync(phone)
        #expect(!report.witnesses.findings.isEmpty)
        #expect(report.witnesses.kinds.allSatisfy { $0 == .behind }, "\(report.witnesses.findings)")
        #expect(try await phone.storage.evidence().isEmpty)
    }

    /// Elsewhere the phone has heard a witness later than its own node has: that is held against neither.
    @Test func aWitnessWhoseIndexComesLateIsAskedAgain() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        let witnesses = try await nodes.witnesses(phone)
        let relay = try #require(Nodes.codes.dropFirst().first { !witnesses.contains($0) })
        try await nodes.pass(hours: 1)
        let there = try await nodes.sync(phone, with: relay).witnesses.present.map(\.code)
        let both = witnesses.filter(there.contains)
        try #require(!both.isEmpty)
        for code in both { nodes.clocks[code] = nodes.time - 600 }
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        nodes.clocks = [:]
        try await nodes.pass(hours: 1)
        await nodes.home.forgetRequests()
        #expect(try await nodes.sync(phone).witnesses.present.map(\.code) == witnesses)
        let asked = await nodes.home.requests
        for code in both { #expect(asked.contains("/v1/index/\(code)")) }
    }

    @Test func aRegionThatThePhoneDoesNotFollowIsNotJudged() async throws {
        var nodes = try await Nodes()
        var phone = nodes.phone(reaching: Nodes.codes)
        phone.options.regions = [try #require(Region("VN-03"))]
        nodes.lies["VN-01"] = { feeds in feeds.filter { $0.id.region.code != "VN-02" } }
        for _ in 0..<4 {
            try await nodes.pass(hours: 1)
            #expect(try await nodes.sync(phone).witnesses.findings.isEmpty)
        }
    }

    /// The key of VN-02 signs one history for the phone's node and another for the rest.
    @Test(arguments: [false, true])
    func anotherHistoryThanTheRestSees(isReached: Bool) async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: isReached ? Nodes.codes : [])
        var forked = nodes.feeds[1]
        nodes.lies["VN-01"] = { [forked] feeds in feeds.map { $0.id == forked.id ? forked : $0 } }
        var kinds: [WitnessFinding.Kind] = []
        for _ in 0..<4 {
            try await nodes.pass(hours: 1)
            try forked.publish([], at: Interval(unixSeconds: nodes.time))
            nodes.lies["VN-01"] = { [forked] feeds in feeds.map { $0.id == forked.id ? forked : $0 } }
            try await nodes.show()
            kinds += try await nodes.sync(phone).witnesses.kinds
        }
        let evidence = try await phone.storage.evidence()
        if isReached {
            let proof = try #require(evidence.first { $0.kind == .fork })
            #expect(kinds.contains(.fork) && proof.feed == forked.id)
            #expect(proof.held == (try forked.checkpoint(at: proof.size).bytes))
            #expect(proof.contradicting == (try nodes.feeds[1].checkpoint(at: proof.size).bytes))
            let after = try await nodes.sync(phone)
            #expect(after.feeds.first { $0.feed == forked.id }?.problem?.code == .contradiction)
        } else {
            #expect(evidence.count > 1 && evidence.allSatisfy { $0.kind == .indexClaim && $0.feed == forked.id })
            #expect(kinds.contains(.anotherHistory))
        }
    }

    /// Also at sizes that lie within a range, where the phone keeps no checkpoint.
    @Test func rootsAreComparedWhereASyncPasses() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        try await nodes.pass(hours: 3)
        var forked = nodes.feeds[1]
        nodes.lies["VN-01"] = { feeds in feeds.map { $0.id.region.code == "VN-02" ? $0.cut(to: 4) : $0 } }
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        try await nodes.pass(hours: 1)
        for _ in 0..<4 { try forked.publish([], at: Interval(unixSeconds: nodes.time)) }
        nodes.lies["VN-01"] = { [forked] feeds in feeds.map { $0.id == forked.id ? forked : $0 } }
        try await nodes.show()
        let report = try await nodes.sync(phone)
        #expect(report.feeds.first { $0.feed == forked.id }?.size == 8)
        #expect(await nodes.home.requests.contains("/v1/feeds/\(forked.id)/2/1"))
        for size in [UInt64(5), 6] {
            #expect(report.witnesses.findings.contains { $0.kind == .falseClaim && $0.size == size }, "\(size)")
        }
    }

    /// A node that lists less than a witness had, and shows another history of it when it is asked.
    @Test func askedForAClaimANodeMayShowAnotherFace() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        try await nodes.pass(hours: 1)
        let honest = nodes.feeds[1]
        nodes.lies["VN-01"] = { feeds in feeds.map { $0.id == honest.id ? honest.cut(to: 1) : $0 } }
        try await nodes.show()
        try await nodes.sync(phone)
        try await nodes.pass(hours: 1)
        var forked = honest.cut(to: 1)
        try forked.publish([], at: Interval(unixSeconds: nodes.time))
        let last = try #require(FeedRange(level: 0, index: 1))
        let range = try #require(try forked.body(last))
        let frontier = forked.frontier(at: 1).bytes
        let path = "/v1/feeds/\(honest.id)"
        await nodes.home.alter("\(path)/0/1") { _ in TransportResponse(status: 200, body: range) }
        await nodes.home.alter("\(path)/frontier/1") { _ in TransportResponse(status: 200, body: frontier) }
        let report = try await nodes.sync(phone).witnesses
        #expect(report.kinds.contains(.fork) && report.isWitnessed, "\(report.findings)")
        let evidence = try #require(try await phone.storage.evidence().first)
        #expect(evidence.kind == .fork)
        #expect(evidence.held == (try forked.checkpoint(at: 2).bytes))
        #expect(evidence.contradicting == (try honest.checkpoint(at: 2).bytes))
    }

    /// A thief who publishes in epochs of his own contradicts nobody while all have them, and a roster ends them without
    /// a shadow on anyone.
    @Test func epochsOfAThiefAreSeenByAllAndEndWithTheKey() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Nodes.codes)
        var stolen = try nodes.country.feed("VN-02", epoch: 9)
        try stolen.publish([], at: Interval(unixSeconds: nodes.time))
        nodes.feeds.append(stolen)
        for _ in 0..<3 {
            try await nodes.pass(hours: 1)
            let report = try await nodes.sync(phone)
            #expect(report.witnesses.findings.isEmpty && report.isUpToDate)
        }
        #expect(try await phone.size(of: stolen.id) == 4)
        let roster = try nodes.country.closing("VN-02", standing: [nodes.feeds[1]])
        let honest = nodes.feeds[1]
        nodes.feeds.remove(at: 6)
        for code in Nodes.codes {
            await nodes[code].set(roster: roster)
            nodes.lies[code] = { feeds in feeds.map { $0.id == honest.id ? honest : $0 } }
        }
        for _ in 0..<3 {
            try await nodes.pass(hours: 1)
            let report = try await nodes.sync(phone)
            #expect(report.rosterVersion == 2)
            #expect(report.witnesses.findings.isEmpty, "\(report.witnesses.findings)")
        }
        #expect(try await phone.size(of: stolen.id) == nil)
        #expect(try await phone.storage.evidence().isEmpty)
    }

    /// One who shows his epochs to the phones of one node is alone with them.
    @Test func anEpochForOneNodesPhonesIsSeen() async throws {
        var nodes = try await Nodes()
        let phone = nodes.phone()
        var stolen = try nodes.country.feed("VN-02", epoch: 9)
        try stolen.publish([], at: Interval(unixSeconds: nodes.time))
        nodes.lies["VN-01"] = { [stolen] feeds in feeds + [stolen] }
        var kinds: [[WitnessFinding.Kind]] = []
        for _ in 0..<3 {
            try await nodes.pass(hours: 1)
            let report = try await nodes.sync(phone)
            kinds.append(report.witnesses.kinds)
            #expect(report.witnesses.findings.allSatisfy { $0.feed == stolen.id })
        }
        #expect(kinds == [[], [.onlyHere], [.onlyHere]])
    }
}
