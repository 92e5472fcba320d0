internal import FeedFormat
internal import HTTP2
internal import Logging
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
    let alarms: LimitAlarms

    /// Opens all of them, or none.
    /// - Throws: `NodeError` with `listen`, which names the setting.
    init(
        _ configuration: NodeConfiguration,
        _ certificates: NodeCertificates,
        _ node: NodeContext,
        _ driver: ReplicationDriver,
        _ observer: NodeObserver,
        _ resources: NodeResources,
        group: any EventLoopGroup
    ) async throws {
        let publicRoutes = NodeListeners.publicRoutes(configuration, node, resources.memory)
        let peerRoutes = PeerHandler(
            publicRoutes: publicRoutes,
            driver: driver,
            certificates: certificates,
            log: node.peerLog,
            metrics: node.metrics.requests
        )
        let adminRoutes = AdminHandler(node: node, driver: driver, observer: observer, publicRoutes: publicRoutes)
        let alarms = LimitAlarms()
        self.alarms = alarms
        let places = resources.files
        func limits(_ setting: String, _ connections: Int) -> ServerConfiguration {
            var configuration = ServerConfiguration()
            configuration.maxConnections = connections
            configuration.sharedMemory = resources.shared
            configuration.onLimit = { limit in
                node.metrics.limits.reached(limit)
                alarms.reached(limit, at: setting)
            }
            return configuration
        }
        var links = limits("listen.peers", places.peerConnections)
        links.keepalive = Keepalive(interval: .seconds(20), timeout: .seconds(10))

        var opening = Opening(group: group, logger: node.logger)
        let open = ListenAddress.tcp(configuration.publicAddress.host, configuration.publicAddress.port)
        let peers = ListenAddress.tcp(configuration.peerAddress.host, configuration.peerAddress.port)
        let admin = ListenAddress.unix(configuration.adminSocketPath)
        let publicServer = try await opening.listen(
            "listen.public",
            open,
            limits("listen.public", resources.publicPlaces),
            certificates.publicTLS,
            publicRoutes
        )
        let peerServer = try await opening.listen("listen.peers", peers, links, certificates.peerTLS, peerRoutes)
        let operators = limits("admin.socket", places.adminConnections)
        _ = try await opening.listen("admin.socket", admin, operators, nil, adminRoutes)
        var metricsServer: HTTPServer?
        if let address = configuration.metricsAddress {
            let monitors = ListenAddress.tcp(address.host, address.port)
            let routes = MetricsHandler(observer: observer)
            let scrapes = limits("listen.metrics", places.monitorConnections)
            metricsServer = try await opening.listen("listen.metrics", monitors, scrapes, nil, routes)
        }
        observer.listeners.opened(publicServer: publicServer, peerServer: peerServer)
        servers = opening.servers
        addresses = NodeAddresses(
            publicPort: publicServer.localAddress.port ?? 0,
            peerPort: peerServer.localAddress.port ?? 0,
            adminSocketPath: configuration.adminSocketPath,
            metricsPort: metricsServer?.localAddress.port
        )
    }

    private static func publicRoutes(
        _ configuration: NodeConfiguration,
        _ node: NodeContext,
        _ memory: MemoryBudget
    ) -> PublicHandler {
        PublicHandler(
            served: node.served,
            heldIndexes: node.heldIndexes,
            rosters: node.rosters,
            cache: RangeCache(limit: memory.cacheBytes),
            policy: CachePolicy(slot: configuration.publicationSlot),
            clock: node.clock,
            queue: node.queue,
            health: node.health,
            readers: RangeReaders(limit: NodeListeners.rangesAtOnce),
            care: node.care,
            raise: { node.alarms.raise(.rangeUnreadable, $0) },
            metrics: node.metrics.requests
        )
    }

    /// Listeners that are being opened; when one cannot be, those before it are closed.
    private struct Opening {
        let group: any EventLoopGroup
        let logger: Logger
        private(set) var servers: [HTTPServer] = []

        init(group: any EventLoopGroup, logger: Logger) {
            self.group = group
            self.logger = logger
        }

        /// - Parameter setting: what the operator calls it.
        mutating func listen(
            _ setting: String,
            _ address: ListenAddress,
            _ configuration: ServerConfiguration,
            _ tls: TLSServer?,
            _ handler: any RequestHandler
        ) async throws -> HTTPServer {
            do {
                let server = try await HTTPServer.bind(
                    address,
                    configuration: configuration,
                    group: group,
                    logger: logger,
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
    }

    /// Ranges being read from the store at once, each of some megabytes; those in the cache, and those that are only
    /// being sent, do not count.
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
