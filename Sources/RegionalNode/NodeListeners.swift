internal import FeedFormat
internal import HTTP2
internal import NIOCore

/// Where a node listens, with the ports that port 0 stood for.
public struct NodeAddresses: Sendable {
    public let publicPort: Int
    public let peerPort: Int
    public let adminSocketPath: String
    /// Of the listener for monitors; nil if there is none.
    public let metricsPort: Int?
}

/// The listeners of a node: public, peers, admin, and one on this host for monitors.
struct NodeListeners {
    let addresses: NodeAddresses
    private let servers: [HTTPServer]

    /// Opens all of them, or none.
    /// - Throws: `NodeError` with `listen`, which names the setting.
    init(
        _ configuration: NodeConfiguration,
        _ certificates: NodeCertificates,
        _ node: NodeContext,
        _ driver: ReplicationDriver,
        _ observer: NodeObserver,
        group: any EventLoopGroup
    ) async throws {
        let publicRoutes = PublicHandler(
            served: node.served,
            heldIndexes: node.heldIndexes,
            rosters: node.rosters,
            cache: RangeCache(limit: NodeListeners.cacheBytes),
            policy: CachePolicy(slot: configuration.publicationSlot),
            clock: node.clock,
            queue: node.queue,
            health: node.health,
            readers: RangeReaders(limit: NodeListeners.rangesAtOnce),
            care: node.care,
            raise: { node.raise($0) },
            metrics: node.metrics.requests
        )
        var standard = ServerConfiguration()
        standard.onLimit = { node.metrics.limits.reached($0) }
        var links = standard
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
            standard,
            tls: certificates.publicTLS,
            publicRoutes
        )
        let peers = configuration.peerAddress
        let peerHandler = PeerHandler(
            publicRoutes: publicRoutes,
            driver: driver,
            certificates: certificates,
            logger: node.logger,
            metrics: node.metrics.requests
        )
        let peerServer = try await listen(
            "listen.peers",
            .tcp(peers.host, peers.port),
            links,
            tls: certificates.peerTLS,
            peerHandler
        )
        let admin = AdminHandler(node: node, driver: driver, observer: observer, publicRoutes: publicRoutes)
        _ = try await listen("admin.socket", .unix(configuration.adminSocketPath), standard, admin)
        var metricsServer: HTTPServer?
        if let address = configuration.metricsAddress {
            let handler = MetricsHandler(observer: observer)
            metricsServer = try await listen(
                "listen.metrics",
                .tcp(address.host, address.port),
                standard,
                handler
            )
        }
        observer.listeners.opened(publicServer: publicServer, peerServer: peerServer)
        self.servers = servers
        addresses = NodeAddresses(
            publicPort: publicServer.localAddress.port ?? 0,
            peerPort: peerServer.localAddress.port ?? 0,
            adminSocketPath: configuration.adminSocketPath,
            metricsPort: metricsServer?.localAddress.port
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
