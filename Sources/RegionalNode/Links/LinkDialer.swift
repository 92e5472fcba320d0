internal import ExposureKeys
internal import HTTP2
internal import Logging

/// Keeps a link to one neighbour open.
struct LinkDialer: Sendable {
    let peer: Region
    let connections: PeerConnections
    let driver: ReplicationDriver
    let node: NodeContext

    func run() async {
        var pauses = DialPauses()
        // A neighbour that is away for a day is worth one line, not one for every attempt.
        var isQuiet = false
        while !Task.isCancelled {
            var wasUp: Duration?
            do {
                let stream = try await open()
                let began = ContinuousClock.now
                defer { wasUp = ContinuousClock.now - began }
                node.logger.info("link up", metadata: ["peer": "\(peer)"])
                isQuiet = false
                try await talk(on: stream)
                node.logger.info("link ended", metadata: ["peer": "\(peer)"])
            } catch {
                if Task.isCancelled { return }
                let level: Logger.Level = isQuiet ? .debug : .info
                node.logger.log(level: level, "link down", metadata: ["peer": "\(peer)", "why": "\(error)"])
                isQuiet = true
            }
            try? await Task.sleep(for: pauses.next(afterLinkOf: wasUp) * Double.random(in: 1...1.5))
        }
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
        guard let session = await LinkSession(driver: driver, expected: peer) else {
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
