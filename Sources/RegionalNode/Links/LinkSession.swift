internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import Logging
internal import NIOCore
internal import Replication

/// One link, whichever side opened it: frames in to the replica, the replica's frames out.
struct LinkSession: Sendable {
    private let driver: ReplicationDriver
    private let outbox: LinkOutbox
    private let link: LinkID
    private let memory: SharedMemory

    /// Registers a link; `run` must follow.
    /// - Parameters:
    ///   - expected: the only region that may be on the other side: the one that was dialled, or that the peer's
    ///     certificate names.
    ///   - isDialled: by this node.
    /// - Returns: nil if the node has too many links or is stopping.
    init?(driver: ReplicationDriver, expected: Region?, isDialled: Bool) async {
        outbox = LinkOutbox(budget: driver.outboxBudget)
        memory = driver.memory
        guard let link = await driver.open(outbox, expected: expected, isDialled: isDialled) else { return nil }
        self.driver = driver
        self.link = link
    }

    /// Runs until either side ends the stream, the replica closes the link, or the task is cancelled.
    /// - Parameter begin: what comes before the first frame.
    func run(
        inbound: some AsyncSequence<ByteBuffer, any Error> & Sendable,
        begin: @Sendable () async throws -> Void = {},
        write: @escaping @Sendable (ByteBuffer) async throws -> Void
    ) async throws {
        do {
            try await begin()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await outbox.waitUntilClosed() }
                group.addTask { try await outbox.drain(write) }
                group.addTask {
                    var decoder = LinkFrameDecoder()
                    var held: MemoryReservation?
                    for try await bytes in inbound {
                        held = try LinkSession.hold(decoder.heldBytes + bytes.readableBytes, held, of: memory)
                        decoder.append(bytes.readableBytesView)
                        while let cost = try decoder.nextCost() {
                            try await admission(of: cost)
                            guard let frame = try decoder.next() else { break }
                            await driver.received(frame, on: link)
                        }
                    }
                }
                // Whichever ends first ends the link.
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch let error as FormatError {
            await driver.broken(link, error)
            throw error
        } catch let error as NodeError {
            await driver.broken(link, error)
            throw HTTPError(.refused, "a link ended for want of memory", cause: error)
        } catch {
            await driver.closed(link)
            throw error
        }
        await driver.closed(link)
    }
}

extension LinkSession {
    /// Less is what every link may hold.
    private static let freeBytes = 64 << 10

    /// Sets memory aside for a frame that is arriving, in steps that double, as its buffer does.
    /// - Parameter held: what was set aside before.
    /// - Throws: `NodeError` with `limits` if there is none: the link ends, and is tried again.
    fileprivate static func hold(
        _ bytes: Int,
        _ held: MemoryReservation?,
        of memory: SharedMemory
    ) throws(NodeError) -> MemoryReservation? {
        guard bytes > freeBytes else { return nil }
        if let held, held.bytes >= bytes { return held }
        let wanted = 2 * bytes - (held?.bytes ?? 0)
        guard let more = memory.reserve(wanted) else {
            throw NodeError(.limits, "the memory for frames of other nodes is used up; the link is tried again")
        }
        return held.map { $0.joined(with: more) } ?? more
    }
}

extension LinkSession {
    /// Waits until the peer's budget allows its next frame: meanwhile nothing is read of it, and flow control holds it.
    private func admission(of cost: FrameCost) async throws {
        while true {
            switch try await driver.admit(cost, on: link) {
            case .take: return
            case .wait(let milliseconds): try await Task.sleep(for: .milliseconds(milliseconds))
            }
        }
    }
}

/// The routes of the listener for other nodes: links, and everything that is public.
struct PeerHandler: RequestHandler {
    let publicRoutes: PublicHandler
    let driver: ReplicationDriver
    let certificates: NodeCertificates
    let log: PeerLog
    let metrics: RequestMetrics

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        guard request.path == "/v1/link" else { return publicRoutes.handle(request, on: connection) }
        guard request.method == "POST" else {
            return ProblemDocument.linkNeedsPost.response(["allow": "POST"]).metered(metrics, .link)
        }
        let peer: Region?
        do {
            peer = try certificates.region(of: connection)
        } catch {
            log.write(.linkRefused, of: certificates.formerRegion(of: connection), ["why": "\(error)"], level: .notice)
            return ProblemDocument.unknownPeer.response().metered(metrics, .link)
        }
        // Counted when it begins: it may last for weeks.
        metrics.answered(.link, status: 200, bytes: 0)
        return .run { body, writer in
            guard let session = await LinkSession(driver: driver, expected: peer, isDialled: false) else {
                return try await ProblemDocument.tooManyLinks.send(writer)
            }
            let head = ResponseHead(status: 200, fields: ["content-type": "application/octet-stream"])
            do {
                try await session.run(
                    inbound: body,
                    begin: { try await writer.send(head) },
                    write: { try await writer.write($0) }
                )
            } catch let error as FormatError {
                // The peer's doing, and no fault of this handler; the driver has said so.
                throw HTTPError(.protocolViolation, "what came over a link is none of its frames", cause: error)
            }
        }
    }
}
