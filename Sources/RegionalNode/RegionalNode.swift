internal import ExposureKeys
internal import FeedFormat
public import FeedStore
internal import HTTP2
public import Logging
internal import NIOCore
internal import NIOPosix
internal import Replication
public import ServiceLifecycle

/// A region's node put together: store, replica, listeners, links and timers. Runs as a service until it is told to
/// stop, and then leaves nothing half done.
public struct RegionalNode: Service {
    private let configuration: NodeConfiguration
    private let files: NodeFiles
    private let rosters: RosterHolder
    private let clock: NodeClock
    private let storage: any FeedStorage
    private let heldKeys: HeldKeys
    private let recovery: StoreRecovery
    private let logger: Logger
    private let certificates: NodeCertificates
    private let reloads: ReloadRequests
    private let resources: NodeResources
    private let onReady: @Sendable (NodeAddresses) -> Void

    /// How long streams in flight may take to end when the node stops.
    private static let grace = Duration.seconds(5)
    /// How often keys are looked for that have come due.
    private static let duePause = Duration.seconds(5)
    /// How often expired batches are looked for.
    private static let sweepPause = Duration.seconds(30)

    /// Reads and checks the files that the configuration names, and opens the store; no listener yet.
    /// - Parameters:
    ///   - openStore: opens the store at a path, or makes one; called again when a broken one was moved aside.
    ///   - reloads: when to look for new certificates at once.
    ///   - onReady: called when all listeners are open.
    /// - Throws: `NodeError`, `StoreError`.
    public init(
        _ configuration: NodeConfiguration,
        logger: Logger,
        openStore: @escaping @Sendable (String) throws -> any FeedStorage = { try SQLiteFeedStore(path: $0) },
        reloads: ReloadRequests = ReloadRequests(),
        onReady: @escaping @Sendable (NodeAddresses) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        self.logger = logger
        self.reloads = reloads
        self.onReady = onReady
        resources = try NodeResources(configuration)
        clock = NodeClock(asOf: configuration.asOf)
        files = try NodeFiles(configuration, now: clock.seconds)
        try RegionalNode.checkNeighbours(configuration, files.signedRoster.roster)
        let rosters = RosterHolder(
            files.signedRoster,
            authorities: files.authorities,
            path: RosterFiles.kept(besideStore: configuration.storePath)
        )
        self.rosters = rosters
        certificates = try NodeCertificates(
            configuration,
            roster: { rosters.current },
            clock: clock,
            logger: logger
        )
        if let warning = try OwnFile.checkFolder(of: configuration.storePath, setting: "setting 'store'") {
            logger.warning("\(warning)")
        }
        if let warning = try AdminSocketFolder.check(socket: configuration.adminSocketPath) {
            logger.warning("\(warning)")
        }
        var recovery = StoreRecovery(
            path: configuration.storePath,
            roster: { rosters.current },
            logger: logger,
            openStore: openStore
        )
        storage = try recovery.open()
        self.recovery = recovery
        do {
            heldKeys = try HeldKeys.open(besideStore: configuration.storePath)
        } catch {
            try? storage.close()
            throw error
        }
    }

    public func run() async throws {
        var recovery = recovery
        var storage = storage
        while true {
            let queue = StoreQueue(storage)
            let outcome: Result<Void, any Error>
            do {
                try await serve(queue, aside: recovery.aside + heldKeys.aside)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            try await queue.shutdown()
            if case .failure(let error as StoreError) = outcome, error.code == .corrupt {
                // Everything else of the node is made anew from the store, so it starts again as a whole.
                try? storage.close()
                storage = try recovery.replace(after: error)
            } else {
                try? heldKeys.store.close()
                try storage.close()
                return try outcome.get()
            }
        }
    }

    /// - Parameter aside: broken files that were replaced in this run, and what is to be said of each.
    /// - Throws: `StoreError` with `.corrupt` if the store is found broken meanwhile.
    private func serve(_ queue: StoreQueue, aside: [FileAside]) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let node = try await load(queue)
        if let alarm = files.alarm { node.alarms.raise(.keptRosterPassedOver, alarm) }
        let connections = PeerConnections(
            rosters: rosters,
            certificates: certificates,
            group: group,
            wire: node.wire,
            logger: logger
        )
        let held = try await queue.run { storage in
            try storage.feeds().map { ServedFeed($0).heldFeed(bytes: $0.bytes) }
        }
        let driver = ReplicationDriver(
            replica: Replica(
                region: configuration.region,
                roster: rosters.current,
                held: held,
                forks: node.forks.all.map(\.proof)
            ),
            node: node,
            fetcher: PeerFetcher(connections: connections, memory: resources.shared, log: node.peerLog)
        )
        let alarmWatch = AlarmWatch(
            node: node,
            driver: driver,
            aside: aside,
            signingKeyPath: configuration.signingKeyPath
        )
        // Before anybody can ask.
        alarmWatch.look()
        let neighbourhood = NodeNeighbourhood(configuration, rosters: rosters, clock: clock, logger: logger)
        let observer = NodeObserver(
            node: node,
            driver: driver,
            connections: connections,
            listeners: ListenerLoad(),
            certificates: certificates,
            storePath: configuration.storePath,
            neighbourhood: neighbourhood,
            resources: resources
        )
        let listeners = try await NodeListeners(
            configuration,
            certificates,
            node,
            driver,
            observer,
            resources,
            group: group
        )
        onReady(listeners.addresses)
        node.logger.notice(
            "node is up",
            metadata: ["region": "\(node.region)", "public": "\(listeners.addresses.publicPort)"]
        )
        resources.log(node.logger)
        let breakdown = await node.care.untilBreakdown {
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { tasks in
                    tasks.addTask { await driver.run() }
                    tasks.addTask { await StoreWatch(node: node).scrub() }
                    tasks.addTask { await StoreWatch(node: node).probe() }
                    tasks.addTask { await listeners.alarms.run(node) }
                    tasks.addTask { await sweep(node, driver) }
                    tasks.addTask { await publishDue(node, driver) }
                    tasks.addTask { await alarmWatch.run() }
                    tasks.addTask { await keepIndexFresh(node) }
                    tasks.addTask {
                        await certificates.keepFresh(asked: reloads, node: node) {
                            listeners.judgePeersAgain()
                            await connections.judgePeersAgain()
                        }
                    }
                    tasks.addTask { await rosterWatch(node).run() }
                    tasks.addTask { await neighbourhood.followRosters() }
                    tasks.addTask { await neighbourhood.measure(over: connections) }
                    tasks.addTask {
                        await NeighbourLinks(
                            neighbourhood: neighbourhood,
                            connections: connections,
                            driver: driver,
                            node: node
                        ).run()
                    }
                    tasks.addTask {
                        for await _ in rosters.updates() {
                            listeners.judgePeersAgain()
                            await connections.judgePeersAgain()
                        }
                    }
                }
            }
        }
        // In a task of its own: this one may be cancelled, and waiting for the last answers would end at once.
        await Task {
            await listeners.shutdown(grace: RegionalNode.grace)
            await connections.closeAll()
        }.value
        if let breakdown { throw breakdown }
        logger.notice("node has stopped", metadata: ["region": "\(configuration.region)"])
    }

    /// Reads the store and makes everything that is rebuilt from it.
    private func load(_ queue: StoreQueue) async throws -> NodeContext {
        let publisher = RegionPublisher(region: configuration.region, signer: files.signer, clock: clock)
        let roster = rosters.current
        _ = publisher.takeOver(roster.predecessors(of: configuration.region))
        let (stored, forks) = try await queue.run { storage in
            try storage.cut(ClosureReview.cuts(roster.regions, feeds: storage.feeds(), storage))
            let feeds = try storage.feeds()
            try publisher.inspect(storage)
            try StoreCare.checkRoots(of: feeds, in: storage, roster: roster)
            try publisher.rebuild(from: storage, feeds: feeds)
            return (feeds, try KnownForks.Known.open(in: storage, roster))
        }
        let node = NodeContext(
            region: configuration.region,
            rosters: rosters,
            clock: clock,
            queue: queue,
            heldKeys: heldKeys.store,
            served: ServedFeeds(stored),
            publisher: publisher,
            signer: files.signer,
            memory: resources.shared,
            logger: logger
        )
        forks.forEach(node.forks.add)
        node.refreshIndex()
        // Waits until the index is there, so that no listener opens without it.
        try await queue.run { _ in }
        return node
    }

    /// Drops batches 15 days after their publication.
    private func sweep(_ node: NodeContext, _ driver: ReplicationDriver) async {
        while !Task.isCancelled {
            do {
                try await node.queue.run { storage in try node.dropExpired(storage, report: driver.report) }
            } catch {
                if Task.isCancelled { return }
                node.care.failed(error)
            }
            try? await Task.sleep(for: RegionalNode.sweepPause)
        }
    }

    /// Publishes keys whose time has come, and answers batches that were ahead of the clock.
    private func publishDue(_ node: NodeContext, _ driver: ReplicationDriver) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: RegionalNode.duePause)
            do {
                try await node.queue.run { storage in
                    node.showBatchesAhead()
                    let publication = try node.publishDue(storage)
                    if let batches = publication?.batches, !batches.isEmpty { driver.report(.published(batches)) }
                }
            } catch {
                if Task.isCancelled { return }
                node.care.failed(error)
            }
        }
    }

    /// Signs the index anew when it is half a publication slot old, though nothing has changed: whoever compares
    /// indexes passes over old ones. Not more often, so that entity tags stay as long as they can.
    private func keepIndexFresh(_ node: NodeContext) async {
        let age = max(1, configuration.publicationSlot / 2)
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(min(age, 30)))
            node.refreshIndex(olderThan: age)
        }
    }

    private func rosterWatch(_ node: NodeContext) -> RosterWatch {
        RosterWatch(node: node, verifier: files.signer.verifier, path: configuration.rosterPath)
    }

    /// A misspelt neighbour would be passed over in silence. One that leaves the roster later is.
    private static func checkNeighbours(_ configuration: NodeConfiguration, _ roster: Roster) throws(NodeError) {
        for region in configuration.neighbours ?? []
        where roster.region(region) == nil || region == configuration.region {
            let fault = region == configuration.region ? "this region itself" : "a region that the roster lacks"
            throw NodeError(.configuration, "the setting 'neighbours' names \(region), \(fault): correct the list")
        }
    }
}
