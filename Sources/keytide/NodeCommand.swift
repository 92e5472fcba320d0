import ArgumentParser
import Configuration
import FeedStore
import Foundation
import Logging
import NIOCore
import RegionalNode
import ServiceLifecycle
import UnixSignals

/// `keytide node`: runs a region's node until it is told to stop.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a region's node.",
        discussion: """
            Settings come from flags, then from the environment (KEYTIDE_REGION, KEYTIDE_LISTEN_PUBLIC, …), then from \
            the JSON file given with --config. SIGTERM or Ctrl-C stops the node; what it has acknowledged is on disk. SIGHUP \
            makes it look for new certificates at once.
            """
    )

    @Option(help: "JSON file with settings.", completion: .file(extensions: ["json"]))
    var config: String?

    @Option(help: "Region of this node, for example VN-01.")
    var region: String?

    @Option(help: "Path of the store.", completion: .file())
    var store: String?

    @Option(help: "Address for phones and caches, host:port.")
    var listenPublic: String?

    @Option(help: "Address for other nodes, host:port.")
    var listenPeers: String?

    @Option(help: "Address on this host for /metrics, host:port, or none (default: 127.0.0.1:8442).")
    var listenMetrics: String?

    @Flag(help: "Serve phones in cleartext on addresses that others reach, because something in front ends TLS.")
    var listenInsecure = false

    @Option(help: "PEM file with the certificate of the public listener, and its chain.", completion: .file())
    var tlsCertificate: String?

    @Option(help: "PEM file with the private key of that certificate.", completion: .file())
    var tlsKey: String?

    @Option(help: "PEM file with the certificate by which the roster knows this node.", completion: .file())
    var peersCertificate: String?

    @Option(help: "PEM file with the private key of that certificate.", completion: .file())
    var peersKey: String?

    @Option(help: "Path of the admin socket (default: the store's path with .admin).", completion: .file())
    var adminSocket: String?

    @Option(help: "File with the signed roster.", completion: .file())
    var roster: String?

    @Option(help: "File that says who may sign the roster.", completion: .file())
    var authorities: String?

    @Option(help: "File with the region's signing key.", completion: .file())
    var key: String?

    @Option(help: "Regions to link with, separated by commas (default: chosen by the roster and by round trips).")
    var neighbours: String?

    @Option(help: "How many of the nearest regions are neighbours, 0 to 16 (default: 3).")
    var nearest: Int?

    @Option(help: "Seconds between publication slots (default: 3600).")
    var publicationSlot: Int?

    @Option(help: "MiB of memory for connections, ranges and imports, 64 to 1048576 (default: 512).")
    var memory: Int?

    @Option(help: "Set the node's clock to this time at the start, for example 2020-12-24T00:00:00Z.")
    var asOf: String?

    @Option(help: "trace, debug, info, notice, warning, error (default: info).")
    var logLevel: String?

    func run() async throws {
        // Before anything of NIO is used.
        NIOSingletons.groupLoopCountSuggestion = ProcessorCores.allowed
        ProcessLimits.raise()
        LargeBlocks.returnAtOnce()
        do {
            try ThreadProbe.check(loops: ProcessorCores.allowed)
            try await runNode()
        } catch let error as NodeError {
            throw CommandError(error.description)
        } catch let error as StoreError {
            throw CommandError("the store cannot be used: \(error.reason)")
        }
    }

    private func runNode() async throws {
        let settings = try NodeConfiguration(await NodeConfiguration.reader(flags: flags, file: config))
        var logger = Logger(label: "keytide.node", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = settings.logLevel
        let onReady: @Sendable (NodeAddresses) -> Void = { addresses in
            let text = "public \(addresses.publicPort) peers \(addresses.peerPort) admin \(addresses.adminSocketPath)"
            Output.line("ready \(settings.region) \(text)")
        }
        let reloads = ReloadRequests()
        let signals = await UnixSignalsSequence(trapping: .sighup)
        let hangups = Task {
            for await _ in signals { reloads.ask() }
        }
        let trimming = Task { await FreedMemory.keepReturning() }
        defer {
            hangups.cancel()
            trimming.cancel()
        }
        let node = try RegionalNode(settings, logger: logger, reloads: reloads, onReady: onReady)
        let services = ServiceGroup(
            services: [node],
            gracefulShutdownSignals: [.sigterm, .sigint],
            // The node itself says what happens to it, in words of its own.
            logger: Logger(label: "keytide.services") { _ in SwiftLogNoOpLogHandler() }
        )
        try await services.run()
    }

    private var flags: [String: ConfigValue] {
        var flags: [String: ConfigValue] = [:]
        let texts = [
            "region": region, "store": store, "listen.public": listenPublic, "listen.peers": listenPeers,
            "listen.metrics": listenMetrics, "tls.certificate": tlsCertificate, "tls.key": tlsKey,
            "peers.certificate": peersCertificate, "peers.key": peersKey, "admin.socket": adminSocket, "roster": roster,
            "authorities": authorities, "key": key, "asOf": asOf,
            "logLevel": logLevel,
        ]
        for (name, text) in texts {
            if let text { flags[name] = ConfigValue(.string(text), isSecret: false) }
        }
        if listenInsecure { flags["listen.insecure"] = ConfigValue(.bool(true), isSecret: false) }
        if let neighbours {
            let list = neighbours.split(separator: ",").map(String.init)
            flags["neighbours"] = ConfigValue(.stringArray(list), isSecret: false)
        }
        if let nearest { flags["nearest"] = ConfigValue(.int(nearest), isSecret: false) }
        if let memory { flags["memory"] = ConfigValue(.int(memory), isSecret: false) }
        if let publicationSlot { flags["publicationSlot"] = ConfigValue(.int(publicationSlot), isSecret: false) }
        return flags
    }
}
