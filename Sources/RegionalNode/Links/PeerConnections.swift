internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import Logging
internal import NIOCore
internal import Replication

/// One HTTP/2 connection per peer, opened when needed and used for links and fetches alike.
actor PeerConnections {
    private enum Slot {
        case opening(Task<HTTPConnection, any Error>)
        case open(HTTPConnection)
    }

    private var slots: [Region: Slot] = [:]
    private var isClosed = false
    private let rosters: RosterHolder
    private let certificates: NodeCertificates
    private let group: any EventLoopGroup
    private let wire: WireCounters
    private let logger: Logger
    /// Bytes of each open connection that `wire` already counts.
    private var counted: [Region: (received: Int, sent: Int)] = [:]

    init(
        rosters: RosterHolder,
        certificates: NodeCertificates,
        group: any EventLoopGroup,
        wire: WireCounters,
        logger: Logger
    ) {
        self.rosters = rosters
        self.certificates = certificates
        self.group = group
        self.wire = wire
        self.logger = logger
    }

    private var roster: Roster { rosters.current }

    /// Closes the connection to a peer, so that the next one goes where the roster says now.
    func forget(_ peer: Region) async {
        count(peer)
        if case .open(let connection)? = slots[peer] {
            slots[peer] = nil
            await connection.close()
        }
    }

    /// The connection to a peer, opened if there is none. A cancelled call returns at once; the opening goes on for
    /// others.
    func connection(to peer: Region) async throws -> HTTPConnection {
        guard !isClosed else { throw CancellationError() }
        switch slots[peer] {
        case .open(let connection) where connection.isOpen:
            return connection
        case .opening(let task):
            return try await PeerConnections.value(of: task)
        case .open(let old):
            count(peer)
            // It takes no more requests, but would stay until the peer closes it.
            Task { await old.close() }
            return try await open(peer)
        case nil:
            return try await open(peer)
        }
    }

    /// Measures the way to a peer and back, over the connection that is open or else over one for this only.
    /// - Returns: the least of a few times; `isConnected` if the connection was open.
    /// - Throws: if the peer does not answer within seconds.
    func roundTrip(to peer: Region) async throws -> (time: Duration, isConnected: Bool) {
        guard !isClosed else { throw CancellationError() }
        if case .open(let connection)? = slots[peer], connection.isOpen {
            return (try await PeerConnections.roundTrip(over: connection), true)
        }
        var configuration = ClientConfiguration()
        configuration.connectTimeout = PeerConnections.probeLimit
        let connect = try connecting(to: peer, configuration)
        let connection = try await PeerConnections.value(of: Task { try await connect() })
        defer { wire.add(received: connection.bytesReceived, sent: connection.bytesSent) }
        do {
            let time = try await PeerConnections.roundTrip(over: connection)
            await connection.close()
            return (time, false)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// How long a peer may take to connect, to end its handshake, and to answer, when all that is wanted is the time.
    private static let probeLimit = Duration.seconds(3)
    private static let pings = 3

    private static func roundTrip(over connection: HTTPConnection) async throws -> Duration {
        var least = Duration.seconds(3600)
        for _ in 0..<pings { least = min(least, try await connection.roundTrip(within: probeLimit)) }
        return least
    }

    /// Adds what has crossed the open connections since the last call to the counters.
    func settleCounters() {
        for peer in slots.keys { count(peer) }
    }

    /// Closes all connections, and lets none be opened any more.
    func closeAll() async {
        isClosed = true
        settleCounters()
        let last = slots.values
        slots = [:]
        for slot in last {
            if case .open(let connection) = slot { await connection.close() }
        }
    }

    /// Closes the connections to peers that the roster lists no more, or whose certificates count no more.
    func judgePeersAgain() async {
        for peer in Array(slots.keys) {
            guard case .open(let connection)? = slots[peer] else { continue }
            if roster.region(peer) == nil || !connection.isPeerStillAccepted { await forget(peer) }
        }
    }

    private func open(_ peer: Region) async throws -> HTTPConnection {
        var configuration = ClientConfiguration()
        configuration.keepalive = Keepalive(interval: .seconds(20), timeout: .seconds(10))
        let connect = try connecting(to: peer, configuration)
        let task = Task {
            do {
                return try await self.opened(try await connect(), to: peer)
            } catch {
                self.failed(peer)
                throw error
            }
        }
        slots[peer] = .opening(task)
        counted[peer] = nil
        return try await PeerConnections.value(of: task)
    }

    /// What connects to a peer where the roster says now.
    private func connecting(
        to peer: Region,
        _ configuration: ClientConfiguration
    ) throws -> @Sendable () async throws -> HTTPConnection {
        guard let entry = roster.region(peer), let endpoint = PeerEndpoint(entry.peerEndpoint) else {
            throw NodeError(.notInRoster, "the roster gives no peer address 'https://host:port' for \(peer)")
        }
        let (group, logger, certificates) = (group, logger, certificates)
        return {
            try await HTTPConnection.connect(
                to: .tcp(endpoint.address.host, endpoint.address.port),
                configuration: configuration,
                group: group,
                logger: logger,
                tls: try certificates.tls(for: peer, endpoint)
            )
        }
    }

    private func opened(_ connection: HTTPConnection, to peer: Region) async throws -> HTTPConnection {
        guard !isClosed else {
            await connection.close()
            throw CancellationError()
        }
        slots[peer] = .open(connection)
        return connection
    }

    private func failed(_ peer: Region) {
        if case .opening? = slots[peer] { slots[peer] = nil }
    }

    /// The outcome of a task, or an error as soon as the caller is cancelled.
    private static func value(of task: Task<HTTPConnection, any Error>) async throws -> HTTPConnection {
        let (outcome, continuation) = AsyncStream<Result<HTTPConnection, any Error>>.makeStream()
        Task {
            continuation.yield(await task.result)
            continuation.finish()
        }
        for await result in outcome { return try result.get() }
        throw CancellationError()
    }

    private func count(_ peer: Region) {
        guard case .open(let connection)? = slots[peer] else { return }
        let now = (received: connection.bytesReceived, sent: connection.bytesSent)
        let before = counted[peer] ?? (received: 0, sent: 0)
        wire.add(received: now.received - before.received, sent: now.sent - before.sent)
        counted[peer] = now
    }
}

/// Fetches from other nodes by range, as a replica asks. Whatever fails comes back as less than was asked for.
struct PeerFetcher: Sendable {
    let connections: PeerConnections
    let memory: SharedMemory
    let log: PeerLog
    private let limits = FetchLimits()

    init(connections: PeerConnections, memory: SharedMemory, log: PeerLog) {
        self.connections = connections
        self.memory = memory
        self.log = log
    }

    /// Requests under way for one fetch.
    private static let width = 8
    /// Bytes after which a fetch ends early: unverified batches of a peer's choosing stay in memory until it ends.
    private static let enoughBytes = 8 << 20

    func frontier(of feed: FeedID, at size: UInt64, from peer: Region) async -> Frontier? {
        await limits.fetch(from: peer) { await fetchFrontier(of: feed, at: size, from: peer) } ?? nil
    }

    private func fetchFrontier(of feed: FeedID, at size: UInt64, from peer: Region) async -> Frontier? {
        do {
            let connection = try await connections.connection(to: peer)
            let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/frontier/\(size)"
            let (head, body) = try await connection.get(path, maxBody: 4096)
            guard head.status == 200 else { return nil }
            let frontier = try Frontier(bytes: Array(body.readableBytesView)[...])
            return frontier.size == size ? frontier : nil
        } catch {
            report(error, feed, peer)
            return nil
        }
    }

    /// All leaf hashes of these numbers, or none.
    func leaves(_ numbers: Range<UInt64>, of feed: FeedID, from peer: Region) async -> [Hash256] {
        await limits.fetch(from: peer) { await fetchLeaves(numbers, of: feed, from: peer) } ?? []
    }

    private func fetchLeaves(_ numbers: Range<UInt64>, of feed: FeedID, from peer: Region) async -> [Hash256] {
        do {
            let connection = try await connections.connection(to: peer)
            var leaves: [Hash256] = []
            for range in FeedRange.covering(from: numbers.lowerBound, to: numbers.upperBound) {
                let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/hashes/\(range.level)/\(range.index)"
                let size = 32 << range.level
                let (head, body) = try await connection.get(path, maxBody: size)
                let bytes = Array(body.readableBytesView)
                guard head.status == 200, bytes.count == size else { return [] }
                for offset in stride(from: 0, to: size, by: 32) {
                    if let leaf = Hash256(bytes: bytes[offset..<offset + 32]) { leaves.append(leaf) }
                }
            }
            return leaves
        } catch {
            report(error, feed, peer)
            return []
        }
    }

    /// Each batch comes as a range of its own (level 0), since a node must hold the checkpoint of every size.
    /// - Returns: as `ReplicaEvent.batchesFetched` has it.
    func batches(_ numbers: Range<UInt64>, of feed: FeedID, from peer: Region) async -> [ReceivedBatch?] {
        await limits.fetch(from: peer) { await fetchBatches(numbers, of: feed, from: peer) } ?? []
    }

    /// What came of one batch.
    private enum Outcome {
        case came(ReceivedBatch)
        /// The peer answers that it has none to give.
        case absent
        /// No answer, or none that can be read.
        case failed
    }

    private func fetchBatches(_ numbers: Range<UInt64>, of feed: FeedID, from peer: Region) async -> [ReceivedBatch?] {
        do {
            let connection = try await connections.connection(to: peer)
            return await withTaskGroup(of: (UInt64, Outcome).self) { group in
                var next = numbers.lowerBound
                var results: [UInt64: ReceivedBatch] = [:]
                var (bytes, hasAnswer) = (0, false)
                func start() {
                    // What follows a batch that did not come may come: only a connection that is gone ends it.
                    guard bytes < PeerFetcher.enoughBytes, next < numbers.upperBound, connection.isOpen else { return }
                    let number = next
                    next += 1
                    group.addTask {
                        let found = await limits.batch(from: peer) {
                            await batch(number, of: feed, over: connection, from: peer)
                        }
                        return (number, found ?? .failed)
                    }
                }
                for _ in 0..<PeerFetcher.width { start() }
                while let (number, outcome) = await group.next() {
                    if case .came(let batch) = outcome {
                        results[number] = batch
                        bytes += batch.bytes.count
                    }
                    if case .failed = outcome {} else { hasAnswer = true }
                    start()
                }
                return hasAnswer ? (numbers.lowerBound..<next).map { results[$0] } : []
            }
        } catch {
            report(error, feed, peer)
            return []
        }
    }

    private func batch(
        _ number: UInt64,
        of feed: FeedID,
        over connection: HTTPConnection,
        from peer: Region
    ) async -> Outcome {
        do {
            let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/0/\(number)"
            let limit = FormatLimits.batchBytes + FormatLimits.checkpointBytes
            // For the body, and for the batch that is taken out of it.
            let room = try await FetchMemory.wait(for: 2 * limit, in: memory)
            defer { withExtendedLifetime(room) {} }
            let (head, body) = try await connection.get(path, maxBody: limit)
            let bytes = Array(body.readableBytesView)
            guard head.status == 200, let range = FeedRange(level: 0, index: number) else {
                return PeerFetcher.isAbsence(head.status, bytes) ? .absent : .failed
            }
            let parts = try RangeBody(bytes[...], range: range)
            FetchMemory.keep(body.readableBytes, of: memory)
            guard let batch = parts.batches.first else { return .failed }
            return .came(ReceivedBatch(bytes: Array(batch), checkpoint: Array(parts.checkpoint)))
        } catch {
            report(error, feed, peer)
            return .failed
        }
    }

    /// Whether an answer says that the batch is not there, and not that the peer has no time for the question.
    private static func isAbsence(_ status: Int, _ body: [UInt8]) -> Bool {
        if status == 404 || status == 410 { return true }
        let head = String(decoding: body.prefix(1024), as: UTF8.self)
        return status == 503 && head.contains("\"\(ProblemDocument.damagedType)\"")
    }

    private func report(_ error: any Error, _ feed: FeedID, _ peer: Region) {
        if Task.isCancelled { return }
        log.write(.fetchFailed, of: peer, ["feed": "\(feed)", "why": "\(error)"])
    }
}
