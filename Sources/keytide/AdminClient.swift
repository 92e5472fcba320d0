import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix
import RegionalNode

/// Talks to a node's admin socket.
struct AdminClient {
    let socket: String
    private let connection: HTTPConnection

    /// How long a node may leave a question without its whole answer; and, while it works on an import, without any
    /// sign of life.
    static let patience = Duration.seconds(10)
    /// The largest archive takes seconds, on a slow disk more. As long as the node shows that it lives, it is waited for.
    private static let importLimit = Duration.seconds(120)
    /// Bytes of a socket's path.
    private static let longestPath = 103
    /// Between two signs of life that are asked for.
    private static let lifePause = Duration.seconds(2)

    init(socket: String) async throws {
        self.socket = socket
        var configuration = ClientConfiguration()
        configuration.connectTimeout = AdminClient.patience
        configuration.requestTimeout = AdminClient.importLimit
        guard socket.utf8.count <= AdminClient.longestPath else {
            throw CommandError(
                "the path of the socket, \(socket), has \(socket.utf8.count) bytes, and the system takes "
                    + "\(AdminClient.longestPath): name it from a directory nearer to it"
            )
        }
        do {
            connection = try await HTTPConnection.connect(
                to: .unix(socket),
                configuration: configuration,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "keytide.admin") { _ in SwiftLogNoOpLogHandler() }
            )
        } catch {
            throw CommandError("no node answers on \(socket): \(error). Is it running, and is this its admin socket?")
        }
    }

    /// - Parameter limit: to wait at most.
    func status(within limit: Duration = patience) async throws -> NodeStatus {
        let (head, body) = try await answer(within: limit) { connection in
            try await connection.get(AdminRoutes.status, maxBody: 16 << 20)
        }
        return try decode(NodeStatus.self, head, body)
    }

    /// Hands one archive to the node.
    /// - Parameter key: the publisher's public key, DER or PEM.
    func importArchive(
        _ archive: Data,
        verifiedWith key: Data,
        _ options: ImportOptions
    ) async throws -> ImportReport {
        let request = RequestHead(
            method: "POST",
            path: AdminRoutes.importArchive,
            fields: [
                AdminRoutes.verificationKeyField: key.base64EncodedString(),
                AdminRoutes.importOptionsField: options.field,
            ]
        )
        let (head, body) = try await answerOfLivingNode { connection in
            try await connection.send(request, body: ByteBuffer(bytes: archive), maxBody: 1 << 20)
        }
        return try decode(ImportReport.self, head, body)
    }

    /// Gets what the node serves to everybody.
    /// - Parameter limit: bytes.
    func get(_ path: String, limit: Int) async throws -> [UInt8] {
        let (head, body) = try await answer(within: AdminClient.patience) { connection in
            try await connection.get(path, maxBody: limit)
        }
        return Array(try content(head, body))
    }

    /// Hands a roster to the node.
    func installRoster(_ roster: Data) async throws -> RosterReport {
        let request = RequestHead(method: "POST", path: AdminRoutes.roster)
        let (head, body) = try await answer(within: AdminClient.patience) { connection in
            try await connection.send(request, body: ByteBuffer(bytes: roster), maxBody: 1 << 20)
        }
        return try decode(RosterReport.self, head, body)
    }

    func close() async { await connection.close() }

    private func decode<Value: Decodable>(
        _ type: Value.Type,
        _ head: ResponseHead,
        _ body: ByteBuffer
    ) throws -> Value {
        let data = try content(head, body)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw CommandError(
                "what \(socket) answers cannot be read: is it a node's admin socket, and the node of this release?"
            )
        }
    }

    private func content(_ head: ResponseHead, _ body: ByteBuffer) throws -> Data {
        guard head.status == 200 else {
            throw CommandError(ProblemMessage.text(of: body.readableBytesView) ?? "the node answered \(head.status)")
        }
        return Data(body.readableBytesView)
    }
}

// MARK: - A node that does not answer

/// The node took a question, or a part of it, and gives no answer.
struct SilentNode: Error, CustomStringConvertible {
    let description: String
}

extension AdminClient {
    private typealias Answer = (ResponseHead, ByteBuffer)

    private func answer(
        within limit: Duration,
        _ ask: @escaping @Sendable (HTTPConnection) async throws -> Answer
    ) async throws -> Answer {
        try await answer(ask) { _ in
            try await Task.sleep(for: limit)
            throw silence(limit)
        }
    }

    /// Waits for as long as the node answers PINGs, which it does beside its work.
    private func answerOfLivingNode(
        _ ask: @escaping @Sendable (HTTPConnection) async throws -> Answer
    ) async throws -> Answer {
        try await answer(ask) { connection in
            while true {
                try await Task.sleep(for: AdminClient.lifePause)
                do {
                    _ = try await connection.roundTrip(within: AdminClient.patience)
                } catch let error as HTTPError where error.code == .timeout {
                    throw silence(AdminClient.patience)
                }
            }
        }
    }

    /// - Parameter watch: ends by an error once there is nothing to wait for any more.
    private func answer(
        _ ask: @escaping @Sendable (HTTPConnection) async throws -> Answer,
        until watch: @escaping @Sendable (HTTPConnection) async throws -> Never
    ) async throws -> Answer {
        let connection = connection
        do {
            return try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await ask(connection) }
                group.addTask { try await watch(connection) }
                defer { group.cancelAll() }
                guard let answer = try await group.next() else { throw CancellationError() }
                return answer
            }
        } catch let error as HTTPError {
            if error.code == .timeout { throw silence(AdminClient.importLimit) }
            throw CommandError("the node behind \(socket) gave no answer: \(error). Its log may say why")
        }
    }

    private func silence(_ limit: Duration) -> SilentNode {
        SilentNode(
            description:
                "the node behind \(socket) gave no answer within \(Output.fixed(limit / .seconds(1), 0)) s: it hangs "
                + "or was stopped. 'ss -xlp src \(socket)' names its process; look at the process's state "
                + "('ps -o pid,stat,wchan -p PID': T is stopped, D waits for a disk), at the node's log and at its disk"
        )
    }
}
