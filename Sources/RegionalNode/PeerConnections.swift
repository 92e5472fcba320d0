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
    private let roster: Roster
    private let group: any EventLoopGroup
    private let wire: WireCounters
    private let logger: Logger
    /// Bytes of each open connection that `wire` already counts.
    private var counted: [Region: (received: Int, sent: Int)] = [:]

    init(roster: Roster, group: any EventLoopGroup, wire: WireCounters, logger: Logger) {
        self.roster = roster
        self.group = group
        self.wire = wire
        self.logger = logger
    }

    func connection(to peer: Region) async throws -> HTTPConnection {
        switch slots[peer] {
        case .open(let connection) where connection.isOpen:
            return connection
        case .opening(let task):
            return try await task.value
        case .open, nil:
            count(peer)
            counted[peer] = nil
            return try await open(peer)
        }
    }

    /// Adds what has crossed the open connections since the last call to the counters.
    func settleCounters() {
        for peer in roster.regions { count(peer.id) }
    }

    func closeAll() async {
        settleCounters()
        for slot in slots.values {
            if case .open(let connection) = slot { await connection.close() }
        }
        slots = [:]
    }

    private func open(_ peer: Region) async throws -> HTTPConnection {
        guard let entry = roster.region(peer), let address = HostPort(url: entry.peerEndpoint) else {
            throw NodeError(.notInRoster, "the roster gives no peer address 'http://host:port' for \(peer)")
        }
        let (group, logger) = (group, logger)
        let task = Task {
            var configuration = ClientConfiguration()
            configuration.keepalive = Keepalive(interval: .seconds(20), timeout: .seconds(10))
            return try await HTTPConnection.connect(
                to: .tcp(address.host, address.port),
                configuration: configuration,
                group: group,
                logger: logger
            )
        }
        slots[peer] = .opening(task)
        do {
            let connection = try await task.value
            slots[peer] = .open(connection)
            return connection
        } catch {
            slots[peer] = nil
            throw error
        }
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
    let logger: Logger

    /// Requests under way for one fetch.
    private static let width = 8

    func frontier(of feed: FeedID, at size: UInt64, from peer: Region) async -> Frontier? {
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

    /// Each batch comes as a range of its own (level 0), since a node must hold the checkpoint of every size.
    func batches(_ numbers: Range<UInt64>, of feed: FeedID, from peer: Region) async -> [ReceivedBatch] {
        do {
            let connection = try await connections.connection(to: peer)
            return try await withThrowingTaskGroup(of: (UInt64, ReceivedBatch?).self) { group in
                var next = numbers.lowerBound
                var results: [UInt64: ReceivedBatch] = [:]
                func start() {
                    guard next < numbers.upperBound else { return }
                    let number = next
                    next += 1
                    group.addTask { (number, try await batch(number, of: feed, over: connection)) }
                }
                for _ in 0..<PeerFetcher.width { start() }
                while let (number, batch) = try await group.next() {
                    results[number] = batch
                    start()
                }
                return Array(numbers.lazy.map { results[$0] }.prefix { $0 != nil }.compactMap { $0 })
            }
        } catch {
            report(error, feed, peer)
            return []
        }
    }

    private func batch(_ number: UInt64, of feed: FeedID, over connection: HTTPConnection) async throws
        -> ReceivedBatch?
    {
        let path = "/v1/feeds/\(feed.region)/\(feed.epoch)/0/\(number)"
        let limit = FormatLimits.batchBytes + FormatLimits.checkpointBytes
        let (head, body) = try await connection.get(path, maxBody: limit)
        guard head.status == 200, let range = FeedRange(level: 0, index: number) else { return nil }
        let parts = try RangeBody(Array(body.readableBytesView)[...], range: range)
        return parts.batches.first.map { ReceivedBatch(bytes: Array($0), checkpoint: Array(parts.checkpoint)) }
    }

    private func report(_ error: any Error, _ feed: FeedID, _ peer: Region) {
        logger.info("fetch failed", metadata: ["feed": "\(feed)", "peer": "\(peer)", "why": "\(error)"])
    }
}
