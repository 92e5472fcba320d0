import ExposureKeys
import FeedFormat
import Replication
import TestSupport

/// Some real replicas in virtual time, with in-memory disks and links that carry real frames in random pieces. It
/// interprets every effect and writes down every broken promise in `violations`.
final class InMemoryNetwork {
    let options: NetworkOptions
    /// Of replicas that start from now on.
    var settings: ReplicationSettings
    let roster: Roster
    var nodes: [NetworkNode] = []
    var random: SplitMix64
    /// Virtual unix time in milliseconds.
    private(set) var now: Int64
    /// Fetches of batches under way, and the most of them at a time, over all nodes.
    private var fetchesAtOnce = 0
    var mostFetchesAtOnce = 0
    /// As in the options, until a test heals it.
    var failingFetches: Int
    private(set) var events = 0
    /// What must never happen, and did.
    private(set) var violations: [String] = []
    /// FNV-1a over all events and effects.
    private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325
    /// What the regions signed, by feed.
    private(set) var truth = SortedMap<FeedID, StoredFeed>()
    /// What thieves signed in their names.
    private(set) var thefts = SortedMap<FeedID, StoredFeed>()
    /// How far each feed has been dropped anywhere.
    private(set) var floors = SortedMap<FeedID, UInt64>()
    private var agenda = Agenda()
    private var pipes: [Pipe] = []
    private var lastLink: UInt64 = 0

    /// One edge, with the link over it while it is up.
    private struct Pipe {
        let edge: NetworkOptions.Edge
        let latency: Int64
        /// Link IDs of the dialler and of the other end; nil while down.
        var ends: (LinkID, LinkID)?
        var decoders = (LinkFrameDecoder(), LinkFrameDecoder())
        /// When the last bytes sent so far arrive at the dialler and at the other end.
        var arrival: (Int64, Int64) = (0, 0)
        /// Until when the dialler and the other end leave what has come unread.
        var heldUntil: (Int64, Int64) = (0, 0)
        /// Whether traffic can pass.
        var isCut = false
        /// Whether bytes vanish although the link seems to be up.
        var isStalled = false
    }

    init(_ options: NetworkOptions) throws {
        self.options = options
        settings = options.settings
        random = SplitMix64(seed: options.seed)
        now = options.start
        failingFetches = options.failingFetches
        var regions: [RosterRegion] = []
        for index in 0..<options.nodes {
            if let original = options.copies[index] {
                nodes.append(nodes[original])
                continue
            }
            let node = try InMemoryNetwork.node(index)
            nodes.append(node)
            if index < options.listed ?? options.nodes { regions.append(try InMemoryNetwork.entry(node)) }
        }
        guard let roster = Roster(version: 1, previous: nil, issued: 0, expires: Int64.max, regions: regions) else {
            throw NetworkError.setup
        }
        self.roster = roster
        for edge in options.edges {
            pipes.append(Pipe(edge: edge, latency: Int64.random(in: options.latency, using: &random)))
        }
    }

    enum NetworkError: Error { case setup }

    private static func node(_ index: Int) throws -> NetworkNode {
        let code = "VN-\(index < 10 ? "0" : "")\(index)"
        guard let region = Region(code),
            let signer = NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: UInt8(index + 1), count: 32)
            )
        else { throw NetworkError.setup }
        return NetworkNode(region: region, signer: signer)
    }

    /// - Parameter keys: nil for the node's own, for good.
    static func entry(
        _ node: NetworkNode,
        keys: [RosterRegion.Key]? = nil,
        closures: [RosterRegion.Closure] = [],
        successor: Region? = nil
    ) throws -> RosterRegion {
        let key = RosterRegion.Key(verifier: node.signer.verifier, notBefore: 0, notAfter: Int64.max)
        guard
            let entry = RosterRegion(
                id: node.region,
                vietnameseName: "Tỉnh \(node.region)",
                englishName: "Province \(node.region)",
                operatorName: "test",
                keys: keys ?? [key],
                closures: closures,
                publicEndpoint: "http://127.0.0.1:1",
                peerEndpoint: "http://127.0.0.1:2",
                successor: successor
            )
        else { throw NetworkError.setup }
        return entry
    }

    // MARK: Time

    func after(_ delay: Int64, _ action: @escaping () -> Void) {
        agenda.add(at: now + delay, action)
    }

    /// Runs for some virtual milliseconds.
    func run(for duration: Int64) {
        let end = now + duration
        while step(until: end) {}
        now = max(now, end)
    }

    /// Runs until a condition holds.
    /// - Returns: virtual milliseconds it took; nil if it did not come true within `limit`.
    func run(within limit: Int64, until condition: () -> Bool) -> Int64? {
        let start = now
        while !condition() {
            guard step(until: start + limit) else { return nil }
        }
        return now - start
    }

    private func step(until end: Int64) -> Bool {
        guard let time = agenda.nextTime, time <= end else { return false }
        guard events < options.eventLimit else {
            violate("more than \(options.eventLimit) events: a livelock")
            return false
        }
        guard let action = agenda.removeFirst() else { return false }
        events += 1
        now = max(now, time)
        action()
        return true
    }

    func violate(_ reason: String) {
        if violations.count < 20 { violations.append("at \(now - options.start) ms: \(reason)") }
    }

    private func mix(_ value: UInt64) {
        trace = (trace ^ value) &* 0x100_0000_01b3
    }

    // MARK: Processes

    /// Starts all nodes and links.
    func startAll(except late: Int? = nil) throws {
        for index in nodes.indices where index != late { try start(index) }
        for index in pipes.indices { connect(pipe: index) }
    }

    /// Starts a node's process: a new replica over what its disk holds, a new epoch, and its links if `linked`.
    func start(_ index: Int, linked: Bool = false) throws {
        let region = nodes[index].region
        nodes[index].replica = Replica(
            region: region,
            roster: nodes[index].roster ?? roster,
            held: nodes[index].heldFeeds,
            forks: nodes[index].forks.values,
            settings: settings
        )
        let living = nodes[index].heldFeeds.filter { $0.feed.region == region && $0.first < $0.frontier.size }
        let began = now / 1000 - options.epochAge
        let epoch = Epoch(startUnixSeconds: began, random: UInt32.random(in: .min ... .max, using: &random))
        nodes[index].writer = FeedWriter(
            beginning: FeedID(region: region, epoch: epoch),
            predecessors: living.map(\.feed.epoch),
            signer: nodes[index].signer
        )
        if linked { connect(index) }
    }

    /// Opens links over all edges of a node that are not cut.
    func connect(_ index: Int) {
        for pipe in pipes.indices where pipes[pipe].edge.dialler == index || pipes[pipe].edge.other == index {
            connect(pipe: pipe)
        }
    }

    /// Ends a node's process. What was being stored is lost, or durable without anyone having been told.
    func crash(_ index: Int, storesFinish: Bool = false) {
        nodes[index].generation += 1
        nodes[index].replica = nil
        nodes[index].links = []
        nodes[index].visible = SortedMap()
        nodes[index].indexes = SortedMap()
        let storing = nodes[index].storing
        nodes[index].storing = SortedMap()
        if storesFinish {
            for store in storing.values { commit(store, at: index) }
        }
        for pipe in pipes.indices where pipes[pipe].edge.dialler == index || pipes[pipe].edge.other == index {
            disconnect(pipe: pipe)
        }
    }

    // MARK: Links

    func cut(_ left: Int, _ right: Int) {
        for pipe in pipes.indices where joins(pipe, left, right) {
            pipes[pipe].isCut = true
            disconnect(pipe: pipe)
        }
    }

    func heal(_ left: Int, _ right: Int) {
        for pipe in pipes.indices where joins(pipe, left, right) {
            pipes[pipe].isCut = false
            connect(pipe: pipe)
        }
    }

    /// Bytes vanish from now on, and no end learns of it.
    func stall(_ left: Int, _ right: Int) {
        for pipe in pipes.indices where joins(pipe, left, right) { pipes[pipe].isStalled = true }
    }

    private func joins(_ pipe: Int, _ left: Int, _ right: Int) -> Bool {
        let edge = pipes[pipe].edge
        return edge.dialler == left && edge.other == right || edge.dialler == right && edge.other == left
    }

    private func connect(pipe: Int) {
        let edge = pipes[pipe].edge
        guard pipes[pipe].ends == nil, !pipes[pipe].isCut, nodes[edge.dialler].replica != nil,
            nodes[edge.other].replica != nil
        else { return }
        let ends = (LinkID(lastLink + 1), LinkID(lastLink + 2))
        lastLink += 2
        pipes[pipe].ends = ends
        pipes[pipe].decoders = (LinkFrameDecoder(), LinkFrameDecoder())
        pipes[pipe].arrival = (now, now)
        nodes[edge.dialler].links.append(ends.0)
        nodes[edge.other].links.append(ends.1)
        dispatch(.linkOpened(ends.0, expected: nodes[edge.other].region), to: edge.dialler)
        dispatch(.linkOpened(ends.1, expected: nil), to: edge.other)
    }

    /// Both ends learn of it by and by; what is under way is lost.
    private func disconnect(pipe: Int) {
        guard let ends = pipes[pipe].ends else { return }
        pipes[pipe].ends = nil
        let edge = pipes[pipe].edge
        for (node, link) in [(edge.dialler, ends.0), (edge.other, ends.1)] {
            let generation = nodes[node].generation
            after(Int64.random(in: 0...20, using: &random)) { [self] in
                guard nodes[node].generation == generation else { return }
                nodes[node].links.removeAll { $0 == link }
                dispatch(.linkClosed(link), to: node)
            }
        }
    }

    /// Encodes a frame and lets it arrive in pieces, in order.
    private func send(_ frame: LinkFrame, over link: LinkID, from sender: Int) {
        guard let pipe = pipes.firstIndex(where: { $0.ends.map { $0.0 == link || $0.1 == link } ?? false }) else {
            return
        }
        let toOther = pipes[pipe].ends?.0 == link
        var rest = frame.encoded()[...]
        while !rest.isEmpty {
            let most = Bool.random(using: &random) ? rest.count : min(rest.count, 700)
            let piece = Array(rest.prefix(Int.random(in: 1...most, using: &random)))
            rest = rest.dropFirst(piece.count)
            let earliest = max(toOther ? pipes[pipe].arrival.1 : pipes[pipe].arrival.0, now + pipes[pipe].latency)
            let arrival = earliest + Int64.random(in: 0...1, using: &random)
            if toOther { pipes[pipe].arrival.1 = arrival } else { pipes[pipe].arrival.0 = arrival }
            agenda.add(at: arrival) { [self] in deliver(piece, from: link, pipe: pipe, toOther: toOther) }
        }
    }

    /// How long a frame waits, in milliseconds; nil if it is read. Only liars may use up what they may cost.
    private func held(_ cost: FrameCost, _ link: LinkID, at receiver: Int) throws(FormatError) -> Int64? {
        let clock = clock(of: receiver)
        guard case .wait(let pause)? = try nodes[receiver].replica?.admit(cost, from: link, now: clock)
        else { return nil }
        if nodes.allSatisfy({ $0.lie == nil }) { violate("node \(receiver) makes an honest neighbour wait") }
        return pause
    }

    private func deliver(_ piece: [UInt8], from link: LinkID, pipe: Int, toOther: Bool) {
        guard let ends = pipes[pipe].ends, ends.0 == link || ends.1 == link, !pipes[pipe].isStalled else { return }
        let (receiver, end) = toOther ? (pipes[pipe].edge.other, ends.1) : (pipes[pipe].edge.dialler, ends.0)
        do throws(FormatError) {
            if toOther { pipes[pipe].decoders.1.append(piece) } else { pipes[pipe].decoders.0.append(piece) }
            while true {
                // What comes meanwhile is read when the wait is over.
                guard (toOther ? pipes[pipe].heldUntil.1 : pipes[pipe].heldUntil.0) <= now else { return }
                let cost = toOther ? try pipes[pipe].decoders.1.nextCost() : try pipes[pipe].decoders.0.nextCost()
                if let cost, let pause = try held(cost, end, at: receiver) {
                    let until = now + pause
                    if toOther { pipes[pipe].heldUntil.1 = until } else { pipes[pipe].heldUntil.0 = until }
                    return agenda.add(at: until) { [self] in deliver([], from: link, pipe: pipe, toOther: toOther) }
                }
                let frame = toOther ? try pipes[pipe].decoders.1.next() : try pipes[pipe].decoders.0.next()
                guard let frame, nodes[receiver].links.contains(end) else { return }
                if case .batch = frame { nodes[receiver].pushed += 1 }
                guard let frame = released(frame, by: receiver) else {
                    return violate("node \(receiver) got a frame that its release does not have")
                }
                dispatch(.received(end, frame), to: receiver)
            }
        } catch {
            violate("node \(receiver) could not read a frame: \(error)")
        }
    }

    // MARK: Replicas

    /// Hands one event to a node's replica and carries out what it wants.
    func dispatch(_ event: ReplicaEvent, to index: Int) {
        let time = clock(of: index)
        guard let effects = nodes[index].replica?.handle(event, now: time, random: &random) else { return }
        mix(UInt64(bitPattern: now))
        mix(UInt64(index))
        for effect in effects { interpret(effect, at: index) }
    }

    func clock(of index: Int) -> Timestamp {
        Timestamp(milliseconds: now + nodes[index].clockOffset)
    }

    private func interpret(_ effect: ReplicaEffect, at index: Int) {
        switch effect {
        case .send(let link, let frame):
            mix(1)
            for byte in frame.encoded().prefix(64) { mix(UInt64(byte)) }
            guard nodes[index].links.contains(link) else { return violate("node \(index) sent on an unknown link") }
            check(frame, from: index)
            for frame in nodes[index].lie.map({ told($0, frame) }) ?? [frame] {
                guard let frame = released(frame, by: index), nodes[index].loses?(frame) != true else { continue }
                nodes[index].sent.count(frame)
                send(frame, over: link, from: index)
                if nodes[index].isNewer { send(.unknown(99), over: link, from: index) }
            }
        case .close(let link, _):
            mix(2)
            guard nodes[index].links.contains(link) else { return violate("node \(index) closed an unknown link") }
            nodes[index].links.removeAll { $0 == link }
            if let pipe = pipes.firstIndex(where: { $0.ends.map { $0.0 == link || $0.1 == link } ?? false }) {
                disconnect(pipe: pipe)
            }
        case .fetchFrontier(let request, let from, let feed, let size):
            mix(3)
            nodes[index].frontierFetches += 1
            fetch(from: from, at: index) { [self] source in
                let frontier = nodes[source].disk[feed]?.frontiers[size]
                return .frontierFetched(request, nodes[source].lie.map { told($0, frontier) } ?? frontier)
            } failure: {
                .frontierFetched(request, nil)
            }
        case .fetchBatches(let request, let from, let feed, let range):
            mix(4)
            nodes[index].fetches += 1
            if range.isEmpty { violate("node \(index) fetches nothing") }
            let isRepair = range.allSatisfy { nodes[index].disk[feed]?.lacks($0) == true }
            if range.lowerBound < nodes[index].held(feed), !isRepair {
                violate("node \(index) fetches \(feed) \(range) again")
            }
            fetchesAtOnce += 1
            mostFetchesAtOnce = max(mostFetchesAtOnce, fetchesAtOnce)
            fetch(from: from, at: index) { [self] source in
                let answer = nodes[source].disk[feed]?.answer(range) ?? range.map { _ in nil }
                return .batchesFetched(request, nodes[source].lie.map { told($0, answer, by: source) } ?? answer)
            } failure: {
                .batchesFetched(request, [])
            }
        case .fetchRoster(let request, let from):
            mix(10)
            nodes[index].rosterFetches += 1
            fetch(from: from, at: index) { [self] source in
                .rosterFetched(request, nodes[source].replica?.roster)
            } failure: {
                .rosterFetched(request, nil)
            }
        case .store(let request, let batches, let base, let skipped):
            mix(5)
            store(request, NetworkStore(batches: batches, base: base, skipped: skipped), at: index)
        case .extend(let request, let feed, let base, let skipped):
            mix(18)
            extend(request, feed, base: base, skipped, at: index)
        case .fetchLeaves(let request, let from, let feed, let range):
            mix(12)
            fetch(from: from, at: index) { [self] source in
                .leavesFetched(request, nodes[source].disk[feed]?.leaves(range) ?? [])
            } failure: {
                .leavesFetched(request, [])
            }
        case .review(let entry):
            mix(13)
            review(entry, at: index)
        case .readBatches(let link, let feed, let range):
            mix(11)
            let generation = nodes[index].generation
            after(Int64.random(in: options.storeDelay, using: &random)) { [self] in
                guard nodes[index].generation == generation else { return }
                let stored = nodes[index].disk[feed]
                let batches = range.prefix { stored?.lacks($0) == false }.compactMap { stored?.batches[$0] }
                dispatch(.batchesRead(link, batches), to: index)
            }
        case .replace(let request, let batches):
            mix(14)
            replace(request, batches, at: index)
        case .readTail(let request, let feed, let size):
            mix(15)
            readTail(request, feed, from: size, at: index)
        case .keepFork(let proof):
            mix(16)
            keep(proof, at: index)
        case .settleFork(let region):
            mix(17)
            settle(region, at: index)
        case .visible(let feed, let count):
            mix(6)
            if count > nodes[index].held(feed) { violate("node \(index) shows \(feed) before it is stored") }
            if let before = nodes[index].visible[feed], count <= before { violate("\(feed) shrank at node \(index)") }
            nodes[index].visible[feed] = count
        case .keepIndex(let kept, _):
            mix(9)
            for byte in Hash256(hashing: kept.bytes[...]).bytes.prefix(8) { mix(UInt64(byte)) }
            if let before = nodes[index].indexes[kept.node], kept.time < before.time {
                violate("node \(index) replaced the index of \(kept.node) by an older one")
            }
            nodes[index].indexes[kept.node] = kept
        case .wake(let time):
            mix(7)
            wake(at: time, index)
        case .alarm(let alarm):
            mix(8)
            if nodes[index].alarms.count < 10_000 { nodes[index].alarms.append(alarm) }
        case .endAlarm(let alarm):
            mix(18)
            if !nodes[index].alarms.contains(alarm) { violate("node \(index) ends an alarm that it has not raised") }
        }
    }

    private func wake(at time: Timestamp, _ index: Int) {
        nodes[index].wakes += 1
        let serial = nodes[index].wakes
        let generation = nodes[index].generation
        agenda.add(at: max(now, time.milliseconds - nodes[index].clockOffset)) { [self] in
            guard nodes[index].generation == generation, nodes[index].wakes == serial else { return }
            dispatch(.tick, to: index)
        }
    }

    /// What a replica sends must be durable at its node.
    private func check(_ frame: LinkFrame, from index: Int) {
        switch frame {
        case .adverts(let adverts):
            for advert in adverts where advert.count > nodes[index].held(advert.feed) {
                violate("node \(index) adverts \(advert.count) of \(advert.feed) before they are stored")
            }
        case .holdings(let part, _):
            for entry in part.entries where entry.count > nodes[index].held(entry.feed) {
                violate("node \(index) says it holds \(entry.count) of \(entry.feed) before they are stored")
            }
        case .batch(let pushed):
            let isStored = nodes[index].disk[pushed.feed]?.batches.values.contains { $0.bytes == pushed.bytes }
            if isStored != true { violate("node \(index) pushes a batch of \(pushed.feed) before it is stored") }
        default:
            break
        }
    }

    // MARK: Disks

    private func store(_ request: RequestID, _ store: NetworkStore, at index: Int) {
        guard let feed = store.batches.first?.feed else { return violate("node \(index) stores nothing") }
        if nodes[index].storing[feed] != nil { violate("node \(index) stores \(feed) twice at a time") }
        nodes[index].storing[feed] = store
        let generation = nodes[index].generation
        after(Int64.random(in: options.storeDelay, using: &random)) { [self] in
            guard nodes[index].generation == generation else { return }
            nodes[index].storing[feed] = nil
            if nodes[index].isDiskFull {
                return dispatch(.storeFailed(request, reason: "the disk is full"), to: index)
            }
            commit(store, at: index)
            dispatch(.stored(request), to: index)
        }
    }

    private func commit(_ store: NetworkStore, at index: Int) {
        let batches = store.batches
        guard let feed = batches.first?.feed else { return }
        var stored = nodes[index].disk[feed] ?? StoredFeed(feed: feed)
        if let reason = stored.append(batches, base: store.base, skipped: store.skipped) {
            violate("node \(index): \(reason)")
        }
        if stored.frontier != truth[feed]?.frontiers[stored.frontier.size],
            stored.frontier != thefts[feed]?.frontiers[stored.frontier.size]
        {
            violate("node \(index) stored something else of \(feed) than was signed")
        }
        for batch in batches
        where truth[feed]?.batches[batch.number] != batch && thefts[feed]?.batches[batch.number] != batch {
            violate("node \(index) stored another batch \(batch.number) of \(feed) than was signed")
        }
        nodes[index].disk[feed] = stored
    }

    /// Drops batches of a feed from a node's disk and tells its replica.
    func drop(_ feed: FeedID, below number: UInt64, at index: Int) {
        floors[feed] = max(floors[feed] ?? 0, number)
        guard var stored = nodes[index].disk[feed] else { return }
        stored.drop(below: number)
        nodes[index].disk[feed] = stored
        dispatch(.dropped(feed, first: stored.first, bytes: stored.bytes), to: index)
    }

    // MARK: Fetches

    private func fetch(
        from region: Region,
        at index: Int,
        answer: @escaping (Int) -> ReplicaEvent,
        failure: @escaping () -> ReplicaEvent
    ) {
        guard let source = nodes.firstIndex(where: { $0.region == region }), source != index else {
            return violate("node \(index) fetches from \(region)")
        }
        // A copy's neighbour reaches the original, though it may have no link with it.
        let pipe = pipes.indices.first { joins($0, index, source) }
        if pipe == nil, options.copies.isEmpty {
            return violate("node \(index) fetches from \(region), which is no neighbour")
        }
        let latency = pipe.map { pipes[$0].latency } ?? options.latency.upperBound
        let generation = nodes[index].generation
        let isLost = Int.random(in: 0..<100, using: &random) < failingFetches
        let isSilent = isLost && Bool.random(using: &random) || nodes[source].lie == .noAnswers
        after(latency) { [self] in
            let isReachable = !isLost && pipe.map { pipes[$0].isCut } != true && nodes[source].replica != nil
            let event = isReachable ? answer(source) : failure()
            if isSilent || pipe.map({ pipes[$0].isStalled }) == true { return }
            after(latency) { [self] in
                guard nodes[index].generation == generation else { return }
                if case .batchesFetched(_, let batches) = event {
                    nodes[index].fetched += batches.count { $0 != nil }
                    fetchesAtOnce -= 1
                }
                dispatch(judged(event, at: index), to: index)
            }
        }
    }

    // MARK: Publishing

    /// A node publishes some batches at once; durable, then told to its replica.
    func publish(_ index: Int, batches count: Int = 1) throws {
        guard nodes[index].replica != nil else { return }
        var written: [ProvenBatch] = []
        let time = clock(of: index)
        for _ in 0..<count {
            let keys = try keys(endingBy: time.interval)
            guard var writer = nodes[index].writer else { return }
            let batches = try writer.publish(keys, publication: time.interval, time: time.milliseconds / 1000)
            written += batches.map { ProvenBatch($0, feed: writer.feed) }
            nodes[index].writer = writer
        }
        if nodes[index].isThief { recordTheft(written) } else { record(written) }
        commit(NetworkStore(batches: written, base: nil, skipped: []), at: index)
        dispatch(.published(written), to: index)
    }

    /// Notes what a thief signed; his history of a feed may share a beginning with the region's.
    private func recordTheft(_ batches: [ProvenBatch]) {
        guard let feed = batches.first?.feed, let number = batches.first?.number else { return }
        var stored = thefts[feed] ?? truth[feed] ?? StoredFeed(feed: feed)
        stored.cut(to: number)
        if number == 0 { stored = StoredFeed(feed: feed) }
        if let reason = stored.append(batches, base: nil) { violate("a theft: \(reason)") }
        thefts[feed] = stored
    }

    /// A region signs and publishes bytes as they are, at the end of its present feed.
    func publish(_ index: Int, signing bytes: [UInt8]) throws {
        guard let feed = nodes[index].writer?.feed else { return }
        var frontier = truth[feed]?.frontier ?? Frontier()
        let leaf = Hash256(leaf: bytes[...])
        let number = frontier.size
        frontier.append(leaf)
        let checkpoint = Checkpoint(
            region: feed.region,
            epoch: feed.epoch,
            size: frontier.size,
            root: frontier.root
        )
        let batch = ProvenBatch(
            feed: feed,
            number: number,
            publication: clock(of: index).interval,
            bytes: bytes,
            leaf: leaf,
            checkpoint: try checkpoint.signed(by: nodes[index].signer, time: now / 1000).bytes
        )
        record([batch])
        commit(NetworkStore(batches: [batch], base: nil, skipped: []), at: index)
        dispatch(.published([batch]), to: index)
    }

    /// Notes what a region signed.
    func record(_ batches: [ProvenBatch]) {
        guard let feed = batches.first?.feed else { return }
        var stored = truth[feed] ?? StoredFeed(feed: feed)
        if let reason = stored.append(batches, base: nil) { violate("the truth: \(reason)") }
        truth[feed] = stored
    }

    func keys(endingBy end: Interval) throws -> [DiagnosisKey] {
        var keys: [DiagnosisKey] = []
        for _ in 0..<Int.random(in: options.keysPerBatch, using: &random) {
            let start = end.advanced(by: -Interval.perDay - Int64.random(in: 0...3, using: &random))
            guard let metadata = KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed) else {
                throw NetworkError.setup
            }
            let data = KeyData(
                high: UInt64.random(in: .min ... .max, using: &random),
                low: UInt64.random(in: .min ... .max, using: &random)
            )
            keys.append(DiagnosisKey(data: data, metadata: metadata))
        }
        return keys
    }

    // MARK: Indexes

    /// The index of what a node's disk holds, signed now; the feeds of other regions stand in its settled part.
    func index(of index: Int) throws -> (index: FeedIndex, settled: IndexPart) {
        let node = nodes[index]
        let entries = node.disk.values.filter { $0.first < $0.frontier.size }.compactMap {
            IndexEntry(feed: $0.feed, first: $0.first, count: $0.frontier.size, root: $0.frontier.root)
        }
        let settled = IndexPart(entries.filter { $0.feed.region != node.region })
        let signed = try FeedIndex(
            node: node.region,
            time: clock(of: index).milliseconds / 1000,
            fresh: IndexPart(entries.filter { $0.feed.region == node.region }),
            settled: settled,
            signer: node.signer
        )
        return (signed, settled)
    }

    /// A node signs its index and tells its replica.
    /// - Returns: the index's bytes.
    @discardableResult
    func signIndex(_ index: Int) throws -> [UInt8] {
        let signed = try self.index(of: index)
        dispatch(.indexSigned(index: signed.index.bytes, settled: signed.settled.bytes), to: index)
        return signed.index.bytes
    }

    // MARK: Judging

    /// Whether every running node holds all that was signed, but for feeds whose last batch has been dropped.
    var isConverged: Bool {
        zip(truth.keys, truth.values).allSatisfy { feed, signed in
            (floors[feed] ?? 0) >= signed.frontier.size
                || nodes.allSatisfy {
                    $0.replica == nil
                        || $0.disk[feed]?.frontier == signed.frontier && $0.disk[feed]?.gaps.isEmpty == true
                }
        }
    }

    /// What the running nodes lack, for messages.
    var gaps: String {
        var lines: [String] = []
        for (feed, signed) in zip(truth.keys, truth.values) {
            for (index, node) in nodes.enumerated() where node.replica != nil && node.held(feed) != signed.frontier.size
            {
                lines.append("node \(index) holds \(node.held(feed)) of \(signed.frontier.size) of \(feed)")
            }
        }
        return lines.joined(separator: "; ")
    }
}
