internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// TLS 1.3 for client connections: whom to believe, and who to be. `h2` must be negotiated (ALPN), unless HTTP/1.1 is
/// allowed; then that is spoken to servers that do not choose `h2`.
public struct TLSClient: Sendable {
    public enum Trust: Sendable {
        /// The authorities that this system trusts; the certificate must be for the host that was dialled.
        case system
        /// These certificates, PEM, instead of the system's: authorities, or the server's own. The host is checked.
        case authorities(pem: [UInt8])
        /// Whatever certificate is accepted here, of no matter what host or authority.
        case judged(PeerJudge)
    }

    private let context: NIOSSLContext
    private let judge: PeerJudge?
    private let allowsHTTP1: Bool

    /// Reads the authorities: make one for many connections, and not on an event loop.
    /// - Parameters:
    ///   - identity: what to show to a server that asks for a certificate.
    ///   - allowsHTTP1: whether a server may speak HTTP/1.1, as many a proxy does.
    /// - Throws: `certificate` if authorities or identity cannot be used.
    public init(trust: Trust, identity: TLSIdentity? = nil, allowsHTTP1: Bool = false) throws(HTTPError) {
        self.allowsHTTP1 = allowsHTTP1
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.restrict()
        configuration.applicationProtocols = allowsHTTP1 ? ["h2", "http/1.1"] : ["h2"]
        if let identity {
            configuration.certificateChain = identity.chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(identity.key)
        }
        switch trust {
        case .system:
            judge = nil
        case .authorities(let pem):
            judge = nil
            configuration.trustRoots = .certificates(try TLSClient.authorities(pem))
        case .judged(let judge):
            self.judge = judge
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([])
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPError(.certificate, "TLS cannot be set up with these certificates", cause: error)
        }
    }

    private static func authorities(_ pem: [UInt8]) throws(HTTPError) -> [NIOSSLCertificate] {
        let reason = "there is no certificate in PEM form among the trusted ones"
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
            guard !certificates.isEmpty else { throw HTTPError(.certificate, reason) }
            return certificates
        } catch let error as HTTPError {
            throw error
        } catch {
            throw HTTPError(.certificate, reason, cause: error)
        }
    }

    /// The TLS of one connection.
    final class Session: Sendable {
        /// Fails when the handshake does.
        let handshake: EventLoopFuture<Void>
        private let judge: PeerJudge?
        private let certificate = Mutex<PeerCertificate?>(nil)

        fileprivate init(handshake: EventLoopFuture<Void>, judge: PeerJudge?) {
            self.handshake = handshake
            self.judge = judge
        }

        fileprivate func verdict(_ shown: PeerCertificate) -> PeerVerdict {
            certificate.withLock { $0 = shown }
            return judge?(shown) ?? .accepted
        }

        func isStillAccepted() -> Bool {
            guard let judge, let shown = certificate.withLock({ $0 }) else { return true }
            return judge(shown) == .accepted
        }
    }

    /// Adds TLS to a new channel.
    /// - Parameter install: adds what is above TLS, when the handshake has shown what is spoken.
    func add(
        to channel: any Channel,
        host: String?,
        install: @escaping (SpokenVersion) throws -> Void
    ) throws -> Session {
        // An address is no server name (RFC 6066, 3): it is compared with the connection's.
        let isAddress = host.map { (try? SocketAddress(ipAddress: $0, port: 0)) != nil } ?? true
        let name = isAddress ? nil : host
        let gate = TLSClientGate(channel.eventLoop.makePromise(), allowsHTTP1: allowsHTTP1, install: install)
        let session = Session(handshake: gate.outcome.futureResult, judge: judge)
        let handler: NIOSSLClientHandler
        if judge != nil {
            handler = try NIOSSLClientHandler(context: context, serverHostname: name) { certificates, promise in
                guard let certificate = certificates.first.flatMap({ PeerCertificate($0) }) else {
                    return promise.succeed(.failed)
                }
                switch session.verdict(certificate) {
                case .accepted: promise.succeed(.certificateVerified)
                case .refused(let reason):
                    gate.refusal = HTTPError(.certificate, reason)
                    promise.succeed(.failed)
                }
            }
        } else {
            handler = try NIOSSLClientHandler(context: context, serverHostname: name)
        }
        try channel.pipeline.syncOperations.addHandlers(handler, gate)
        return session
    }
}

/// What a server speaks.
enum SpokenVersion {
    case http1
    case http2
}

/// Waits for the handshake of a connection that was made here, and puts on top of it what was negotiated.
private final class TLSClientGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let outcome: EventLoopPromise<Void>
    /// Why the server's certificate was not accepted.
    var refusal: HTTPError?
    private let allowsHTTP1: Bool
    private let install: (SpokenVersion) throws -> Void

    init(
        _ outcome: EventLoopPromise<Void>,
        allowsHTTP1: Bool,
        install: @escaping (SpokenVersion) throws -> Void
    ) {
        self.outcome = outcome
        self.allowsHTTP1 = allowsHTTP1
        self.install = install
    }

    private func version(_ negotiated: String?) throws(HTTPError) -> SpokenVersion {
        if negotiated == "h2" { return .http2 }
        // A server that knows no ALPN speaks HTTP/1.1.
        if allowsHTTP1, negotiated == nil || negotiated == "http/1.1" { return .http1 }
        throw HTTPError(.connectFailed, "the server does not speak HTTP/2 over TLS (no h2 by ALPN)")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            do {
                try install(try version(negotiated))
                outcome.succeed()
            } catch {
                outcome.fail(error)
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        outcome.fail(refusal ?? error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        outcome.fail(HTTPError(.connectFailed, "the server closed the connection during the TLS handshake"))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        outcome.fail(HTTPError(.connectFailed, "the connection was taken apart"))
    }
}
