import ExposureKeys
import FeedFormat
import Replication
import TestSupport
import Testing

/// What other nodes' clocks say about a node's own.
@Suite struct ReplicaClockTests {
    private static let minute: Int64 = 60_000
    private static let month: Int64 = 30 * 86_400_000

    /// One replica, with links to others whose clocks are given.
    private struct Bench {
        let network: InMemoryNetwork
        var replica: Replica
        var random = SplitMix64(seed: 1)
        /// By how much this node's clock is ahead, and what has passed since its start.
        var lead: Int64 = 0
        var passed: Int64 = 0

        init(_ nodes: Int) throws {
            network = try InMemoryNetwork(.mesh(nodes))
            replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
        }

        var truth: Int64 { network.now + passed }
        var now: Timestamp { Timestamp(milliseconds: truth + lead, elapsed: 5000 + passed) }
        var mayDrop: Bool { replica.clockStanding.mayDrop(at: now) }
        var difference: Int64? { replica.clockStanding.difference(at: now) }

        @discardableResult
        mutating func handle(_ event: ReplicaEvent) -> [ReplicaEffect] {
            replica.handle(event, now: now, random: &random)
        }

        mutating func greet(_ link: UInt64, _ node: Int, features: UInt64 = LinkFrame.Hello.digests) {
            handle(.linkOpened(LinkID(link), expected: nil))
            let hello = LinkFrame.Hello(region: network.nodes[node].region, features: features)
            handle(.received(LinkID(link), .hello(hello)))
        }

        /// A peer says what its clock shows.
        @discardableResult
        mutating func hear(_ link: UInt64, ahead offset: Int64) -> [ReplicaEffect] {
            let digest = LinkFrame.Digest(hash: Hash256(hashing: []), clock: truth &+ offset)
            return handle(.received(LinkID(link), .digest(digest)))
        }
    }

    private func clockAlarms(_ effects: [ReplicaEffect]) -> [Int64] {
        effects.compactMap { if case .alarm(.clockDiffers(let seconds)) = $0 { seconds } else { nil } }
    }

    private func isOver(_ effects: [ReplicaEffect]) -> Bool {
        effects.contains { if case .endAlarm(.clockDiffers) = $0 { true } else { false } }
    }

    @Test func aClockAMonthAheadDropsNothingUntilItIsSetRight() throws {
        var bench = try Bench(3)
        bench.lead = Self.month
        bench.greet(1, 1)
        bench.greet(2, 2)
        #expect(!bench.mayDrop)
        #expect(clockAlarms(bench.hear(1, ahead: 0)).isEmpty)
        #expect(!bench.mayDrop)
        #expect(clockAlarms(bench.hear(2, ahead: 3000)) == [30 * 86_400 - 3])
        #expect(!bench.mayDrop)
        // The alarm is raised once, and stands also without the links that gave it.
        bench.passed += 10 * Self.minute
        #expect(clockAlarms(bench.hear(1, ahead: 0)).isEmpty)
        for link in [1, 2] as [UInt64] { bench.handle(.linkClosed(LinkID(link))) }
        bench.passed += 100 * ClockStanding.patience
        #expect(!bench.mayDrop)
        // Set right, it is so at once.
        bench.lead = 0
        #expect(bench.mayDrop)
        #expect(isOver(bench.handle(.tick)))
        #expect(!isOver(bench.handle(.tick)))
        // And as soon as it is wrong again.
        bench.lead = -11 * Self.minute
        #expect(!bench.mayDrop)
        #expect(clockAlarms(bench.handle(.tick)).count == 1)
    }

    @Test func whoHearsNobodyWaitsAnHour() throws {
        var bench = try Bench(3)
        #expect(!bench.mayDrop)
        bench.handle(.tick)
        bench.greet(1, 1)
        bench.hear(1, ahead: Self.month)
        bench.passed += ClockStanding.patience - 1
        #expect(!bench.mayDrop && bench.difference == nil)
        bench.passed += 1
        #expect(bench.mayDrop && bench.difference == nil)
        // The only other one there is has nothing to say.
        var pair = try Bench(2)
        #expect(pair.mayDrop)
        pair.greet(1, 1)
        #expect(clockAlarms(pair.hear(1, ahead: Self.month)).isEmpty)
        #expect(pair.mayDrop)
    }

    /// Older releases send no digests. Their indexes say it, but for the first one of a link, whose age nobody knows.
    @Test func indexesCountWhereNoDigestsCome() throws {
        var bench = try Bench(3)
        for node in [1, 2] { bench.greet(UInt64(node), node, features: 0) }
        for offset in [-5 * 86_400_000, 20 * Self.minute] as [Int64] {
            for node in [1, 2] {
                bench.network.nodes[node].clockOffset = offset
                let signed = try bench.network.index(of: node)
                let frame = LinkFrame.index(index: signed.index.bytes, settled: signed.settled.bytes)
                bench.handle(.received(LinkID(UInt64(node)), frame))
            }
            #expect(bench.difference == (offset < 0 ? nil : -20 * Self.minute))
        }
    }

    /// Any peers and any lies of fewer than half of them: the verdict is that of the honest ones. Every verdict is that
    /// of the middle one, or of the nearer one of two, over one voice for each region.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func fewerThanHalfChangeNothing(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let peers = Int.random(in: 2...8, using: &random)
        var bench = try Bench(peers + 1)
        let liars = Int.random(in: 0...(peers - 1) / 2, using: &random)
        let isWrong = Bool.random(using: &random)
        bench.lead = (isWrong ? Self.month : 1) * (Bool.random(using: &random) ? 1 : -1)
        var offsets: [Int64] = []
        for peer in 1...peers {
            let extremes: [Int64] = [.max, .min, bench.lead, -bench.lead, Self.month * 12]
            let isLiar = peer <= liars
            let lie = extremes[Int.random(in: extremes.indices, using: &random)]
            let offset: Int64 = isLiar ? lie : Int64.random(in: -9 * Self.minute...9 * Self.minute, using: &random)
            offsets.append(offset)
            // Repeated words and second links give no further voice.
            for copy in 0..<Int.random(in: 1...3, using: &random) {
                let link = UInt64(peer + 100 * copy)
                bench.greet(link, peer)
                bench.hear(link, ahead: offset)
            }
        }
        #expect(bench.mayDrop == !isWrong, "seed \(seed)")
        if liars == 0 {
            let own = offsets.map { bench.lead - $0 }.sorted()
            let middle = [own[(peers - 1) / 2], own[peers / 2]].min { $0.magnitude < $1.magnitude }
            #expect(bench.difference == middle, "seed \(seed)")
        }
    }

    /// Half of them can hide a wrong clock, but not make a right one doubtful.
    @Test func halfOfThemStopNothing() throws {
        var bench = try Bench(5)
        for node in 1...4 {
            bench.greet(UInt64(node), node)
            bench.hear(UInt64(node), ahead: node <= 2 ? Self.month : 0)
        }
        #expect(bench.mayDrop)
        bench.lead = Self.month
        #expect(bench.mayDrop)
    }

    @Test func regionsThatTheRosterLeavesOutHaveNoVoice() throws {
        var bench = try Bench(4)
        for node in 1...3 {
            bench.greet(UInt64(node), node)
            bench.hear(UInt64(node), ahead: node == 3 ? 0 : Self.month)
        }
        #expect(!bench.mayDrop)
        let left = bench.network.roster.regions.filter { $0.id != bench.network.nodes[2].region }
        let next = try #require(bench.network.roster.next(issued: 1, expires: .max, regions: left))
        bench.handle(.rosterChanged(next))
        #expect(bench.mayDrop)
    }
}
