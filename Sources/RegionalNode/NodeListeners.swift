internal import FeedFormat
internal import HTTP2
internal import NIOCore

/// Where a node listens, with the ports that port 0 stood for.
public struct NodeAddresses: Sendable {
    public let publicPort: Int
    public let peerPort: Int
    public let adminSocketPath: String
}

/// The three listeners of a node: public, peers, admin.
struct NodeListeners {
    let addresses: NodeAddresses
    private let servers: [HTTPServer]

    /// Opens all three, or none.
    /// - Throws: `NodeError` with `listen`, which names the setting.
    init(
        _ configuration: NodeConfiguration,
        _ files: NodeFiles,
        _ certificates: NodeCertificates,
        _ node: NodeContext,
        _ driver: ReplicationDriver,
        _ connections: PeerConnections,
        group: any EventLoopGroup
    ) async throws {
        let publicRoutes = PublicHandler(
            served: node.served,
            heldIndexes: node.heldIndexes,
            roster: ByteBuffer(bytes: files.rosterBytes),
            rosterTag: "\"\(Hash256(hashing: files.rosterBytes[...]).hexadecimal.prefix(16))\"",
            cache: RangeCache(limit: NodeListeners.cacheBytes),
            policy: CachePolicy(slot: configuration.publicationSlot),
            clock: node.clock,
            queue: node.queue,
            health: node.health,
            readers: RangeReaders(limit: NodeListeners.rangesAtOnce),
            care: node.care,
            raise: { node.raise($0) }
        )
        var links = ServerConfiguration()
        links.keepalive = Keepalive(interval: .seconds(20), timeout: .seconds(10))
        var servers: [HTTPServer] = []
        func listen(
            _ setting: String,
            _ address: ListenAddress,
            _ configuration: ServerConfiguration,
            tls: TLSServer? = nil,
            _ handler: any RequestHandler
        ) async throws -> HTTPServer {
            do {
                let server = try await HTTPServer.bind(
                    address,
                    configuration: configuration,
                    group: group,
                    logger: node.logger,
                    tls: tls,
                    handler: handler
                )
                servers.append(server)
                return server
            } catch {
                for server in servers { try? await server.shutdown(grace: .zero) }
                let reason = (error as? HTTPError)?.reason ?? "\(error)"
                throw NodeError(.listen, "the node cannot start: \(reason) (setting '\(setting)')")
            }
        }
        let open = configuration.publicAddress
        let publicServer = try await listen(
            "listen.public",
            .tcp(open.host, open.port),
            ServerConfiguration(),
            tls: certificates.publicTLS,
            publicRoutes
        )
        let peers = configuration.peerAddress
        let peerHandler = PeerHandler(
            publicRoutes: publicRoutes,
            driver: driver,
            certificates: certificates,
            logger: node.logger
        )
        let peerServer = try await listen(
            "listen.peers",
            .tcp(peers.host, peers.port),
            links,
            tls: certificates.peerTLS,
            peerHandler
        )
        let admin = AdminHandler(node: node, driver: driver, connections: connections, publicRoutes: publicRoutes)
        _ = try await listen("admin.socket", .unix(configuration.adminSocketPath), ServerConfiguration(), admin)
        self.servers = servers
        addresses = NodeAddresses(
            publicPort: publicServer.localAddress.port ?? 0,
            peerPort: peerServer.localAddress.port ?? 0,
            adminSocketPath: configuration.adminSocketPath
        )
    }

    /// Bytes of range bodies kept in memory.
    private static let cacheBytes = 32 << 20

    /// Ranges being read from the store at once, each of some megabytes; those in the cache do not count.
    private static let rangesAtOnce = 128

    /// Closes the connections of peers whose certificates count no more.
    func judgePeersAgain() {
        for server in servers { server.judgePeersAgain() }
    }

    func shutdown(grace: Duration) async {
        await withDiscardingTaskGroup { group in
            for server in servers {
                // A listener that cannot be closed is closed with the process.
                group.addTask { try? await server.shutdown(grace: grace) }
            }
        }
    }
}
