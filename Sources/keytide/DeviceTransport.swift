import ArgumentParser
import ClientSync
import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix

/// A phone's requests over one HTTP/2 connection, made again when it is lost.
actor NodeTransport: SyncTransport {
    nonisolated let node: String
    private let address: ConnectAddress
    private var connection: Task<HTTPConnection, any Error>?

    /// - Parameter url: `http://host:port`, without a path.
    init(_ url: String) throws {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.user == nil
        else { throw ValidationError("--node \(url) is no address; write http://host:port") }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        address = .tcp(bare, parts.port ?? 80)
        node = "http://\(address)"
    }

    func get(_ path: String, ifNoneMatch: String?, limit: Int) async throws -> TransportResponse {
        do {
            return try await attempt(path, ifNoneMatch: ifNoneMatch, limit: limit)
        } catch let error as HTTPError where [.refused, .connectionClosed].contains(error.code) {
            // Reading may be repeated; once, on a connection of its own.
            return try await attempt(path, ifNoneMatch: ifNoneMatch, limit: limit)
        }
    }

    func close() async {
        if let connection = try? await connection?.value { await connection.close() }
        connection = nil
    }

    private func attempt(_ path: String, ifNoneMatch: String?, limit: Int) async throws -> TransportResponse {
        let connection = try await openConnection()
        var fields: HTTPFields = [:]
        if let ifNoneMatch { fields["if-none-match"] = ifNoneMatch }
        do {
            let (head, body) = try await connection.get(path, fields: fields, maxBody: limit)
            return TransportResponse(
                status: head.status,
                etag: head.fields["etag"],
                body: head.status == 200 ? [UInt8](body.readableBytesView) : []
            )
        } catch let error as HTTPError where error.code == .bodyTooLarge {
            throw SyncError(.bodyTooLarge, "\(node)\(path): a body of more than \(limit) bytes", cause: error)
        }
    }

    private func openConnection() async throws -> HTTPConnection {
        if let held = connection {
            // A connection in the making is shared; one that failed or was lost is replaced by the first to notice.
            if let open = try? await held.value, open.isOpen { return open }
            if connection == held { connection = nil }
        }
        if let newer = connection { return try await newer.value }
        let address = address
        let task = Task {
            try await HTTPConnection.connect(
                to: address,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "keytide.device") { _ in SwiftLogNoOpLogHandler() }
            )
        }
        connection = task
        return try await task.value
    }
}
