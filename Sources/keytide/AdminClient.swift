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

    init(socket: String) async throws {
        self.socket = socket
        var configuration = ClientConfiguration()
        // An import of the largest archive takes seconds, on a slow disk more.
        configuration.requestTimeout = .seconds(120)
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

    func status() async throws -> NodeStatus {
        let (head, body) = try await connection.get(AdminRoutes.status, maxBody: 16 << 20)
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
        let (head, body) = try await connection.send(request, body: ByteBuffer(bytes: archive), maxBody: 1 << 20)
        return try decode(ImportReport.self, head, body)
    }

    /// Gets what the node serves to everybody.
    /// - Parameter limit: bytes.
    func get(_ path: String, limit: Int) async throws -> [UInt8] {
        let (head, body) = try await connection.get(path, maxBody: limit)
        return Array(try content(head, body))
    }

    /// Hands a roster to the node.
    func installRoster(_ roster: Data) async throws -> RosterReport {
        let request = RequestHead(method: "POST", path: AdminRoutes.roster)
        let (head, body) = try await connection.send(request, body: ByteBuffer(bytes: roster), maxBody: 1 << 20)
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
