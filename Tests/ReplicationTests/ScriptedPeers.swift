import ExposureKeys
import FeedFormat
import Replication
import TestSupport

/// One replica in virtual time, and peers that have what a test says. Every question of the replica is written down and
/// answered by an explicit event; so are its stores.
final class ScriptedPeers {
    /// What one peer says that it has of the feed, what it has, and of which batches it knows the leaf hashes.
    struct Peer {
        var says: Range<UInt64>
        var has: Set<UInt64>
        var hashes: Range<UInt64>
        /// Batches that nobody but a pull over the link gets from it: its address leads nowhere.
        var isReachable = true
        /// Answers what is asked over the link.
        var answersPulls = true
    }

    struct Question: Equatable {
        let time: Int64
        let peer: Int
        let batches: Range<UInt64>
    }

    let feed: FeedID
    let truth: StoredFeed
    private(set) var held: Set<UInt64>
    private(set) var count: UInt64
    /// Where the feed begins here.
    private(set) var begin: UInt64 = 0
    /// Fetches of batches, in their order.
    private(set) var questions: [Question] = []
    /// Fetches of leaf hashes, by their ranges.
    private(set) var hashQuestions: [Question] = []
    private(set) var alarms: [ReplicaAlarm] = []
    private(set) var peers: [Peer] = []
    private let regions: [Region]
    private var replica: Replica
    private var random = SplitMix64(seed: 1)
    private var agenda = Agenda()
    private var wakes = 0
    private let start: Int64
    private(set) var now: Int64

    /// - Parameters:
    ///   - batches: how many the region has signed.
    ///   - ahead: of these the publication is three hours ahead.
    ///   - epochAge: seconds since the epoch began.
    ///   - held: numbers of batches held from the beginning; those below the highest one are gaps.
    init(
        batches: Int,
        ahead: Set<UInt64> = [],
        held: Set<UInt64> = [],
        epochAge: Int64 = 0,
        settings: ReplicationSettings = .init()
    ) throws {
        var options = NetworkOptions.mesh(8)
        options.epochAge = epochAge
        let network = try InMemoryNetwork(options)
        try network.startAll()
        for number in 0..<UInt64(batches) {
            let lead: Int64 = ahead.contains(number) ? 18 : 0
            let time = network.clock(of: 0).interval.advanced(by: lead)
            let batch = try Batch(number: number, publication: time, keys: network.keys(endingBy: time))
            try network.publish(0, signing: batch.bytes)
        }
        guard let feed = network.truth.keys.first, let truth = network.truth[feed] else { throw TestFailure("no feed") }
        (self.feed, self.truth, self.held) = (feed, truth, held)
        count = held.max().map { $0 + 1 } ?? 0
        regions = network.nodes.map(\.region)
        start = network.now
        now = start
        let gaps = (0..<count).filter { !held.contains($0) }.compactMap { ScriptedPeers.damaged($0, of: truth) }
        var stored: [HeldFeed] = []
        if let frontier = truth.frontiers[count], count > 0 {
            stored = [HeldFeed(feed: feed, frontier: frontier, first: 0, gaps: gaps)]
        }
        replica = Replica(region: regions[1], roster: network.roster, held: stored, settings: settings)
    }

    private static func damaged(_ number: UInt64, of truth: StoredFeed) -> DamagedBatch? {
        guard let root = truth.frontiers[number + 1]?.root else { return nil }
        return DamagedBatch(number: number, leaf: truth.leaves[Int(number)], root: root)
    }

    /// A peer opens a link and says what it has. The first one is number 0.
    func link(_ peer: Peer) {
        peers.append(peer)
        let index = peers.count - 1
        let link = LinkID(UInt64(index))
        handle(.linkOpened(link, expected: nil))
        handle(.received(link, .hello(LinkFrame.Hello(region: region(of: index)))))
        say(index)
    }

    /// The same of batches that a peer has all of, but for some.
    func link(says: Range<UInt64>, lacks: Set<UInt64> = [], hashes: Range<UInt64>? = nil) {
        let hashes = hashes ?? 0..<says.upperBound
        link(Peer(says: says, has: Set(says).subtracting(lacks), hashes: hashes))
    }

    /// A peer has other batches from now on.
    func change(_ index: Int, _ body: (inout Peer) -> Void) {
        body(&peers[index])
        say(index)
    }

    private func say(_ index: Int) {
        let says = peers[index].says
        guard let advert = Advert(feed: feed, first: says.lowerBound, count: says.upperBound) else { return }
        handle(.received(LinkID(UInt64(index)), .adverts([advert])))
    }

    /// The disk finds that these cannot be read any more.
    func damage(_ numbers: [UInt64]) {
        held.subtract(numbers)
        handle(.damaged(feed, numbers.compactMap { ScriptedPeers.damaged($0, of: truth) }))
    }

    /// Region 0 has signed the batches, region 1 is the replica's.
    private func region(of peer: Int) -> Region { regions[peer + 2] }

    func run(within minutes: Int64, until condition: () -> Bool) -> Bool {
        let end = now + minutes * 60_000
        while !condition() {
            guard let time = agenda.nextTime, time <= end, let action = agenda.removeFirst() else {
                now = end
                return condition()
            }
            now = max(now, time)
            action()
        }
        return true
    }

    /// Runs until all of these are held.
    func holds(_ numbers: some Sequence<UInt64>, within minutes: Int64 = 20) -> Bool {
        run(within: minutes) { numbers.allSatisfy(held.contains) }
    }

    private func handle(_ event: ReplicaEvent) {
        let effects = replica.handle(event, now: Timestamp(milliseconds: now), random: &random)
        for effect in effects { interpret(effect) }
    }

    private func answer(after delay: Int64 = 10, _ event: ReplicaEvent) {
        agenda.add(at: now + delay) { [self] in handle(event) }
    }

    private func interpret(_ effect: ReplicaEffect) {
        switch effect {
        case .fetchBatches(let request, let region, _, let range):
            guard let peer = note(region, range, in: \.questions) else { return }
            answer(.batchesFetched(request, peers[peer].isReachable ? batches(range, of: peer) : []))
        case .fetchLeaves(let request, let region, _, let range):
            guard let peer = note(region, range, in: \.hashQuestions) else { return }
            let isKnown = peers[peer].isReachable && peers[peer].hashes.clamped(to: range) == range
            answer(
                .leavesFetched(
                    request,
                    isKnown ? Array(truth.leaves[Int(range.lowerBound)..<Int(range.upperBound)]) : []
                )
            )
        case .fetchFrontier(let request, let region, _, let size):
            guard let peer = regions.firstIndex(of: region).map({ $0 - 2 }) else { return }
            let isKnown = peers[peer].isReachable && peers[peer].hashes.lowerBound <= size
            answer(.frontierFetched(request, isKnown ? truth.frontiers[size] : nil))
        case .store(let request, let batches, let base, let skipped):
            if let base { (count, begin) = (base.size, base.size) }
            count += UInt64(skipped.count + batches.count)
            for batch in batches { held.insert(batch.number) }
            answer(after: 5, .stored(request))
        case .extend(let request, _, let base, _):
            begin = base.size
            answer(after: 5, .stored(request))
        case .replace(let request, let batches):
            for batch in batches { held.insert(batch.number) }
            answer(after: 5, .stored(request))
        case .send(let link, .pull(_, let number)):
            push(from: number, over: link)
        case .readBatches(let link, _, _):
            answer(.batchesRead(link, []))
        case .wake(let time):
            wakes += 1
            let serial = wakes
            agenda.add(at: max(now, time.milliseconds)) { [self] in if wakes == serial { handle(.tick) } }
        case .alarm(let alarm):
            alarms.append(alarm)
        default:
            break
        }
    }

    /// Writes a question down, unless it goes to nobody.
    private func note(
        _ region: Region,
        _ range: Range<UInt64>,
        in list: ReferenceWritableKeyPath<ScriptedPeers, [Question]>
    ) -> Int? {
        guard let place = regions.firstIndex(of: region), peers.indices.contains(place - 2) else { return nil }
        self[keyPath: list].append(Question(time: now - start, peer: place - 2, batches: range))
        return place - 2
    }

    private func batches(_ range: Range<UInt64>, of peer: Int) -> [ReceivedBatch?] {
        range.map { peers[peer].has.contains($0) ? received($0) : nil }
    }

    private func received(_ number: UInt64) -> ReceivedBatch? {
        truth.batches[number].map { ReceivedBatch(bytes: $0.bytes, checkpoint: $0.checkpoint) }
    }

    private func push(from number: UInt64, over link: LinkID) {
        let peer = Int(link.number)
        guard peers[peer].answersPulls else { return }
        let pushed = (number..<number + 4).prefix { peers[peer].has.contains($0) }.compactMap(received)
        for batch in pushed {
            let frame = LinkFrame.PushedBatch(feed: feed, bytes: batch.bytes, checkpoint: batch.checkpoint)
            answer(.received(link, .batch(frame)))
        }
    }
}
