internal import Logging
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// TLS 1.3 for a listener: the certificate it shows, which can be replaced while it runs, and what it asks of clients.
///
/// Clients negotiate `h2` or `http/1.1` by ALPN (RFC 7301); to one that offers nothing HTTP/1.1 is spoken, and one that
/// offers other protocols only is closed after the handshake, so that no other protocol's bytes are ever taken for HTTP. There is no early data (0-RTT): it could be replayed.
/// Sessions are resumed by tickets (RFC 8446, 2.2) under keys that live in memory only.
public final class TLSServer: Sendable {
    public enum ClientCertificates: Sendable {
        /// Clients are not asked who they are.
        case none
        /// Clients must show a certificate that `verify` accepts; no authority is asked. Resumed sessions are judged
        /// anew, and open connections whenever `HTTPServer.judgePeersAgain` is called.
        case required(verify: PeerJudge)
    }

    /// What happened since the start.
    public struct Counts: Sendable, Equatable {
        public var handshakes: Int
        /// Handshakes that did not come to an end: a fault of the peer, no protocol in common, or the deadline.
        public var failures: Int
        /// Peers whose certificate was not accepted, at the handshake or later.
        public var refusals: Int

        package init(handshakes: Int = 0, failures: Int = 0, refusals: Int = 0) {
            self.handshakes = handshakes
            self.failures = failures
            self.refusals = refusals
        }
    }

    private struct State {
        var context: NIOSSLContext
        var certificate: CertificateHash
        var counts = Counts()
        var refusalLog = LogBudget(lines: 10, per: .seconds(60))
    }

    private let state: Mutex<State>
    let clientCertificates: ClientCertificates

    /// - Throws: `certificate` if the identity cannot be used.
    public init(_ identity: TLSIdentity, clientCertificates: ClientCertificates = .none) throws(HTTPError) {
        let context = try Self.context(identity, clientCertificates)
        state = Mutex(State(context: context, certificate: identity.hash))
        self.clientCertificates = clientCertificates
    }

    /// Shows another certificate from now on. Connections that are open go on; sessions begun under the former one are
    /// not resumed, their handshakes are whole ones.
    /// - Throws: `certificate`; then the former one stays.
    public func use(_ identity: TLSIdentity) throws(HTTPError) {
        let context = try Self.context(identity, clientCertificates)
        state.withLock { state in
            state.context = context
            state.certificate = identity.hash
        }
    }

    /// The certificate that is shown at present.
    public var certificate: CertificateHash { state.withLock { $0.certificate } }

    public var counts: Counts { state.withLock { $0.counts } }

    private static func context(
        _ identity: TLSIdentity,
        _ clients: ClientCertificates
    ) throws(HTTPError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.chain.map { .certificate($0) },
            privateKey: .privateKey(identity.key)
        )
        configuration.restrict()
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if case .required = clients {
            // The verdict is `verify`'s alone; this makes BoringSSL ask for a certificate and insist on one.
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([])
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPError(.certificate, "TLS cannot be set up with this certificate", cause: error)
        }
    }
}

// MARK: One connection

extension TLSServer {
    /// The handler that is below all others of a connection.
    func makeHandler(_ logger: Logger) -> NIOSSLServerHandler {
        let context = state.withLock { $0.context }
        guard case .required(let verify) = clientCertificates else {
            return NIOSSLServerHandler(context: context)
        }
        return NIOSSLServerHandler(context: context) { certificates, promise in
            guard let certificate = certificates.first.flatMap({ PeerCertificate($0) }) else {
                return promise.succeed(.failed)
            }
            promise.succeed(self.accepts(certificate, verify, logger) ? .certificateVerified : .failed)
        }
    }

    /// Asks for a verdict; counts and logs a refusal.
    func accepts(_ certificate: PeerCertificate, _ verify: PeerJudge, _ logger: Logger) -> Bool {
        guard case .refused(let reason) = verify(certificate) else { return true }
        let isLogged = state.withLock { state in
            state.counts.refusals += 1
            return state.refusalLog.admits(now: .now())
        }
        // A stranger can cause as many of these as it likes.
        let metadata: Logger.Metadata = ["certificate": "\(certificate.hash.prefix)", "why": "\(reason)"]
        logger.log(level: isLogged ? .notice : .debug, "peer refused", metadata: metadata)
        return false
    }

    func completed() {
        state.withLock { $0.counts.handshakes += 1 }
    }

    func failed() {
        state.withLock { $0.counts.failures += 1 }
    }
}
