internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import Logging
internal import Synchronization

/// The certificates that a node shows, and the TLS that follows from them. Both are exchanged while the node runs.
final class NodeCertificates: Sendable {
    /// TLS of the public listener; nil for cleartext.
    let publicTLS: TLSServer?
    /// TLS of the peer listener; nil for cleartext, and then only this host reaches it.
    let peerTLS: TLSServer?
    private let publicCertificate: NodeCertificate?
    private let peerCertificate: NodeCertificate?
    private let peerIdentity: Mutex<TLSIdentity?>
    private let region: Region
    private let roster: @Sendable () -> Roster
    private let clock: NodeClock

    /// Seconds after which certificates of peers are judged again: some end without anything having changed.
    private static let judgingPause = Duration.seconds(10)

    /// Reads what the settings name.
    /// - Parameter roster: the roster that holds at the moment of the call.
    /// - Throws: `NodeError` that names file and setting.
    init(
        _ configuration: NodeConfiguration,
        roster: @escaping @Sendable () -> Roster,
        clock: NodeClock,
        logger: Logger
    ) throws(NodeError) {
        self.region = configuration.region
        self.roster = roster
        self.clock = clock
        publicCertificate = try configuration.tls.map { files throws(NodeError) in
            try NodeCertificate(files, setting: "tls", now: NodeCertificates.systemTime(), logger: logger)
        }
        publicTLS = try publicCertificate.map { certificate throws(NodeError) in
            try NodeCertificates.server(certificate, .none)
        }
        peerCertificate = try configuration.peerIdentity.map { files throws(NodeError) in
            try NodeCertificate(files, setting: "peers", now: clock.seconds, logger: logger)
        }
        peerTLS = try peerCertificate.map { certificate throws(NodeError) in
            let verify: PeerJudge = { PeerIdentities(roster(), now: clock.seconds).judge($0) }
            return try NodeCertificates.server(certificate, .required(verify: verify))
        }
        peerIdentity = Mutex(peerCertificate?.identity)
        try checkOwn(peerCertificate)
    }

    private static func server(
        _ certificate: NodeCertificate,
        _ clients: TLSServer.ClientCertificates
    ) throws(NodeError) -> TLSServer {
        do throws(HTTPError) {
            return try TLSServer(certificate.identity, clientCertificates: clients)
        } catch {
            throw NodeError(.file, "\(certificate.files.certificate): \(error.reason)", cause: error.cause)
        }
    }

    /// What happened on the listeners with TLS.
    var tlsCounts: TLSServer.Counts {
        var sum = TLSServer.Counts()
        for counts in [publicTLS?.counts, peerTLS?.counts].compactMap({ $0 }) {
            sum.handshakes += counts.handshakes
            sum.failures += counts.failures
            sum.refusals += counts.refusals
        }
        return sum
    }

    /// TLS for connections to another region's node: both sides show who they are.
    /// - Throws: `NodeError` with `notInRoster` if the roster wants TLS that this node is not set up for, or none where
    ///   there must be some.
    func tls(for peer: Region, _ endpoint: PeerEndpoint) throws -> TLSClient? {
        guard endpoint.isTLS else {
            guard !PeerIdentities(roster(), now: clock.seconds).areNeeded(by: peer) else {
                throw NodeError(
                    .notInRoster,
                    "the roster names certificates of \(peer), but an address in cleartext, http://\(endpoint.address): "
                        + "a newer roster must correct it"
                )
            }
            return nil
        }
        guard let identity = peerIdentity.withLock({ $0 }) else {
            throw NodeError(
                .configuration,
                "\(peer) wants TLS: give this node 'peers.certificate' and 'peers.key', the ones that the roster names"
            )
        }
        let (roster, clock) = (roster, clock)
        let trust = TLSClient.Trust.judged { PeerIdentities(roster(), now: clock.seconds).judge($0, expected: peer) }
        return try TLSClient(trust: trust, identity: identity)
    }

    /// The region on the other side of an accepted connection; nil if it has shown none, over cleartext.
    /// - Throws: `NodeError` with `link` if its certificate counts no more, or there is none where the roster wants some.
    func region(of connection: ConnectionInfo) throws(NodeError) -> Region? {
        let identities = PeerIdentities(roster(), now: clock.seconds)
        guard let hash = connection.clientCertificate else {
            guard !identities.areNeeded else {
                throw NodeError(.link, "the roster names certificates, and none was shown over cleartext")
            }
            return nil
        }
        guard let region = identities.region(of: hash) else {
            throw NodeError(.link, "the roster names certificate \(hash.prefix) no more")
        }
        return region
    }

    /// Whose certificate was shown, though it may count no more; nil if the roster does not name it.
    func formerRegion(of connection: ConnectionInfo) -> Region? {
        guard let hash = connection.clientCertificate else { return nil }
        return roster().regions.first { $0.certificates.contains { CertificateHash(bytes: $0.hash.bytes) == hash } }?.id
    }

    // MARK: While the node runs

    /// Takes up new certificates, and ends connections with peers whose certificate counts no more, until the node
    /// stops.
    /// - Parameter judge: closes what is open with peers that are refused now.
    func keepFresh(
        asked: ReloadRequests,
        node: NodeContext,
        judge: @escaping @Sendable () async -> Void
    ) async {
        await withDiscardingTaskGroup { tasks in
            if let publicCertificate, let publicTLS {
                tasks.addTask {
                    await publicCertificate.keepFresh(asked: asked, now: NodeCertificates.systemTime, node: node) {
                        try publicTLS.use($0)
                    }
                }
            }
            if let peerCertificate, let peerTLS {
                let clock = clock
                tasks.addTask {
                    await peerCertificate.keepFresh(asked: asked, now: { clock.seconds }, node: node) {
                        try self.checkOwn(peerCertificate, $0)
                        try peerTLS.use($0)
                        self.setPeerIdentity($0)
                    }
                }
                tasks.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: NodeCertificates.judgingPause)
                        self.warnOfOwn(node)
                        await judge()
                    }
                }
            }
        }
    }

    /// A newer roster may have dropped the certificate that this node shows.
    private func warnOfOwn(_ node: NodeContext) {
        do {
            try checkOwn(peerCertificate, peerIdentity.withLock { $0 })
            node.alarms.end(.certificateUnlisted)
        } catch {
            node.alarms.hold(.certificateUnlisted, "other nodes refuse this one: \(error.reason)")
        }
    }

    private func setPeerIdentity(_ identity: TLSIdentity) {
        peerIdentity.withLock { $0 = identity }
    }

    /// A certificate that the roster does not name for this region would be refused everywhere.
    /// - Parameter fresh: one that is to take the place of the one read at the start.
    private func checkOwn(_ certificate: NodeCertificate?, _ fresh: TLSIdentity? = nil) throws(NodeError) {
        let roster = roster()
        let listed = roster.region(region)?.certificates ?? []
        let names = listed.map { CertificateHash(bytes: $0.hash.bytes)?.description ?? "" }.joined(separator: ", ")
        guard let certificate else {
            guard !PeerIdentities(roster, now: clock.seconds).areNeeded else {
                throw NodeError(
                    .configuration,
                    "the roster, version \(roster.version), names certificates of nodes (of \(region): "
                        + (names.isEmpty ? "none" : names)
                        + "): give 'peers.certificate' and 'peers.key', other nodes take nothing else"
                )
            }
            return
        }
        let identity = fresh ?? certificate.identity
        guard PeerIdentities(roster, now: clock.seconds).region(of: identity.hash) == region else {
            throw NodeError(
                .notInRoster,
                "the certificate in \(certificate.files.certificate) (setting 'peers.certificate') has the SHA-256 hash "
                    + "\(identity.hash), but the roster, version \(roster.version), names for \(region) at this time: "
                    + (names.isEmpty ? "none" : names) + "; correct the setting, or have the certificate listed"
            )
        }
    }

    /// Phones and browsers judge a certificate by their own clocks, whatever day this node is set to.
    private static let systemTime: @Sendable () -> Int64 = { NodeClock.system / 1000 }
}
