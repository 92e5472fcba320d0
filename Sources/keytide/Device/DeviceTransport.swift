import ArgumentParser
import ClientSync
import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix

/// A phone's requests over one connection, HTTP/2 or, where a proxy in front of the node speaks nothing else, HTTP/1.1;
/// made again when it is lost.
actor NodeTransport: SyncTransport {
    nonisolated let node: String
    private let address: ConnectAddress
    private let tls: TLSClient?
    private var connection: Task<HTTPConnection, any Error>?

    /// - Parameters:
    ///   - url: `https://host:port`, or `http://host:port` for cleartext, without a path.
    ///   - authorities: PEM file with the certificates to trust instead of the system's.
    init(_ url: String, authorities: String?) throws {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.path.isEmpty || parts.path == "/", parts.query == nil,
            parts.user == nil
        else { throw ValidationError("--node \(url) is no address; write https://host:port") }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        address = .tcp(bare, parts.port ?? (scheme == "https" ? 443 : 80))
        node = "\(scheme)://\(address)"
        tls = scheme == "https" ? try NodeTransport.tls(authorities) : nil
        guard tls != nil || authorities == nil else {
            throw ValidationError("--ca goes with an address that begins with https://")
        }
    }

    private static func tls(_ authorities: String?) throws -> TLSClient {
        guard let path = authorities else { return try TLSClient(trust: .system, allowsHTTP1: true) }
        do {
            return try TLSClient(trust: .authorities(pem: Array(Files.read(path))), allowsHTTP1: true)
        } catch let error as HTTPError {
            throw CommandError("\(path): \(error.reason)")
        }
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
                body: [UInt8](body.readableBytesView)
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
        let (address, tls) = (address, tls)
        let task = Task {
            try await HTTPConnection.connect(
                to: address,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "keytide.device") { _ in SwiftLogNoOpLogHandler() },
                tls: tls
            )
        }
        connection = task
        return try await task.value
    }
}
