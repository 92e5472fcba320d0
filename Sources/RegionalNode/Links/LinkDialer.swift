internal import ExposureKeys
internal import HTTP2
internal import Logging

/// Keeps a link to one neighbour open, as `DialTurn` says.
struct LinkDialer: Sendable {
    let peer: Region
    let connections: PeerConnections
    let driver: ReplicationDriver
    let node: NodeContext

    func run() async {
        let (events, continuation) = AsyncStream<DialTurn.Event>.makeStream()
        await driver.watch(peer, continuation)
        var turn = DialTurn(isFirst: node.region < peer)
        var work: Task<Void, Never>?
        // A neighbour that is away for a day is worth one line, not one for every attempt.
        var isQuiet = false
        for await event in events {
            if case .ended(let wasUp) = event { isQuiet = wasUp == nil } else { isQuiet = false }
            switch turn.handle(event) {
            case .none: break
            case .stop: work?.cancel()
            case .attempt(let pause):
                work = Task { [isQuiet] in
                    continuation.yield(.ended(wasUp: await attempt(after: pause, isQuiet: isQuiet)))
                }
            }
        }
        await driver.unwatch(peer)
        work?.cancel()
        await work?.value
    }

    /// - Parameter isQuiet: the attempt before has told why there is no link.
    /// - Returns: how long the link lasted; nil if none came up.
    private func attempt(after pause: Duration, isQuiet: Bool) async -> Duration? {
        try? await Task.sleep(for: pause * Double.random(in: 1...1.5))
        if Task.isCancelled { return nil }
        if await driver.isAccepted(peer) { return nil }
        var began: ContinuousClock.Instant?
        do {
            let stream = try await open()
            began = .now
            node.peerLog.write(.linkUp, of: peer)
            try await talk(on: stream)
            node.peerLog.write(.linkEnded, of: peer)
        } catch {
            let level: Logger.Level = isQuiet && began == nil || Task.isCancelled ? .debug : .info
            node.peerLog.write(.linkDown, of: peer, ["why": "\(error)"], level: level)
        }
        return began.map { .now - $0 }
    }

    /// Asks the peer for a link.
    private func open() async throws -> ClientStream {
        let connection = try await connections.connection(to: peer)
        let head = RequestHead(method: "POST", path: "/v1/link", fields: ["content-type": "application/octet-stream"])
        let stream = try await connection.open(head)
        do {
            let response = try await stream.response()
            guard response.status == 200 else {
                throw NodeError(.link, "\(peer) answered \(response.status) to a link; is this its peer listener?")
            }
            return stream
        } catch {
            stream.reset()
            throw error
        }
    }

    private func talk(on stream: ClientStream) async throws {
        defer { stream.reset() }
        guard let session = await LinkSession(driver: driver, expected: peer, isDialled: true) else {
            throw NodeError(.link, "this node takes no more links")
        }
        try await session.run(inbound: stream.body) { try await stream.write($0) }
    }
}

/// How long to wait before a neighbour is dialled again. A refused connection costs next to nothing, so a neighbour
/// that restarts is found within a second however long it was away; one that takes links and ends them at once is
/// given more time every time.
package struct DialPauses {
    private var pause = DialPauses.shortest

    package init() {}

    private static let shortest = Duration.milliseconds(50)
    private static let longestUnreachable = Duration.milliseconds(500)
    private static let longestEnded = Duration.seconds(10)
    /// A link that lasted so long was a good one.
    private static let lasting = Duration.seconds(2)

    /// - Parameter wasUp: how long the link lasted; nil if none came up.
    package mutating func next(afterLinkOf wasUp: Duration?) -> Duration {
        if let wasUp, wasUp >= DialPauses.lasting { pause = DialPauses.shortest }
        defer { pause = min(pause * 2, wasUp == nil ? DialPauses.longestUnreachable : DialPauses.longestEnded) }
        return pause
    }
}
