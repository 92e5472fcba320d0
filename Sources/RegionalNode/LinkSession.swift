internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import NIOCore
internal import Replication
internal import Logging

/// One link, whichever side opened it: frames in to the replica, the replica's frames out.
enum LinkSession {
    /// Runs until the stream ends in either direction.
    static func run(
        driver: ReplicationDriver,
        expected: Region?,
        inbound: some AsyncSequence<ByteBuffer, any Error> & Sendable,
        write: @escaping @Sendable (ByteBuffer) async throws -> Void
    ) async throws {
        let outbox = LinkOutbox()
        let link = await driver.open(outbox, expected: expected)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await outbox.drain(write) }
                group.addTask {
                    var decoder = LinkFrameDecoder()
                    for try await bytes in inbound {
                        decoder.append(bytes.readableBytesView)
                        while let frame = try decoder.next() { await driver.handle(.received(link, frame)) }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            await driver.closed(link)
            throw error
        }
        await driver.closed(link)
    }
}

/// Keeps a link to one neighbour open, with growing pauses while it cannot be reached.
struct LinkDialer: Sendable {
    let peer: Region
    let connections: PeerConnections
    let driver: ReplicationDriver
    let node: NodeContext

    private static let firstPause = 0.25
    private static let longestPause = 30.0

    func run() async {
        var pause = LinkDialer.firstPause
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                try await session()
                node.logger.info("link ended", metadata: ["peer": "\(peer)"])
            } catch {
                if Task.isCancelled { return }
                node.logger.info("link down", metadata: ["peer": "\(peer)", "why": "\(error)"])
            }
            if ContinuousClock.now - began > .seconds(60) { pause = LinkDialer.firstPause }
            let jittered = pause * Double.random(in: 1...1.5)
            try? await Task.sleep(for: .seconds(jittered))
            pause = min(pause * 2, LinkDialer.longestPause)
        }
    }

    private func session() async throws {
        let connection = try await connections.connection(to: peer)
        let head = RequestHead(method: "POST", path: "/v1/link", fields: ["content-type": "application/octet-stream"])
        let stream = try await connection.open(head)
        defer { stream.reset() }
        let response = try await stream.response()
        guard response.status == 200 else {
            throw NodeError(.configuration, "\(peer) answered \(response.status) to a link; is this its peer listener?")
        }
        node.logger.info("link up", metadata: ["peer": "\(peer)"])
        try await LinkSession.run(driver: driver, expected: peer, inbound: stream.body) { try await stream.write($0) }
    }
}

/// The routes of the listener for other nodes: links, and everything that is public.
struct PeerHandler: RequestHandler {
    let publicRoutes: PublicHandler
    let driver: ReplicationDriver

    func handle(_ request: RequestHead) -> RequestHandling {
        guard request.path == "/v1/link" else { return publicRoutes.handle(request) }
        guard request.method == "POST" else {
            return ProblemDocument.methodNotAllowed.response(["allow": "POST"])
        }
        return .run { body, writer in
            try await writer.send(ResponseHead(status: 200, fields: ["content-type": "application/octet-stream"]))
            try await LinkSession.run(driver: driver, expected: nil, inbound: body) { try await writer.write($0) }
        }
    }
}
