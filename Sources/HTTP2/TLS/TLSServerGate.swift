import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Waits for the handshake of an accepted connection, and puts on top of it what was negotiated.
final class TLSServerGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let pipeline: ServerPipeline
    private let tls: TLSServer
    private let hello: ClientHelloWatch
    private var deadline: Scheduled<Void>?
    private var isDecided = false

    private var logger: Logger { pipeline.service.logger }

    init(pipeline: ServerPipeline, tls: TLSServer, hello: ClientHelloWatch) {
        self.hello = hello
        self.pipeline = pipeline
        self.tls = tls
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let limit = TimeAmount(pipeline.service.configuration.prefaceDeadline)
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: limit) {
            bound.value.handler.pipeline.service.exceeded(.prefaceTime)
            bound.value.handler.give(up: bound.value.context, "the TLS handshake did not end within the deadline")
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDecided {
            isDecided = true
            tls.failed()
        }
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        give(up: context, "\(error)")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ConnectionCommand.drain, ConnectionCommand.giveUp:
            context.close(promise: nil)
        case TLSUserEvent.handshakeCompleted(let negotiated):
            completed(context, negotiated)
        default:
            break
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func completed(_ context: ChannelHandlerContext, _ negotiated: String?) {
        guard !isDecided else { return }
        let allowsHTTP1 = pipeline.service.configuration.allowsHTTP1
        // Who offers nothing speaks HTTP/1.1: proxies do.
        var name = negotiated
        if name == nil, case .nothing = hello.offer { name = "http/1.1" }
        guard name == "h2" || (name == "http/1.1" && allowsHTTP1) else {
            return give(up: context, "the client does not offer \(allowsHTTP1 ? "h2 or http/1.1" : "h2") by ALPN")
        }
        do {
            let operations = context.pipeline.syncOperations
            var information = ConnectionInfo()
            if case .required(let verify) = tls.clientCertificates {
                // A resumed session brings the certificate of the first handshake, on which nothing was decided now.
                guard let certificate = try operations.nioSSL_peerCertificate().flatMap({ PeerCertificate($0) }) else {
                    return give(up: context, "the client showed no certificate")
                }
                let judge = PeerGate(certificate: certificate, verify: verify, tls: tls, logger: logger)
                guard judge.accepts() else {
                    isDecided = true
                    return context.close(promise: nil)
                }
                information.clientCertificate = certificate.hash
                try operations.addHandler(judge)
            }
            isDecided = true
            tls.completed()
            operations.removeHandler(hello, promise: nil)
            if name == "h2" {
                try pipeline.addHTTP2(to: context.channel, information)
            } else {
                try pipeline.addHTTP1(to: context.channel, information)
            }
            operations.removeHandler(self, promise: nil)
        } catch {
            logger.error("connection closed", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    private func give(up context: ChannelHandlerContext, _ reason: String) {
        guard !isDecided else { return }
        isDecided = true
        deadline?.cancel()
        tls.failed()
        logger.debug("no TLS connection came about", metadata: ["why": "\(reason)"])
        context.close(promise: nil)
    }
}

/// Stands in a connection whose peer showed a certificate, and closes it when that counts no more.
final class PeerGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let certificate: PeerCertificate
    private let verify: PeerJudge
    private let tls: TLSServer
    private let logger: Logger

    init(certificate: PeerCertificate, verify: @escaping PeerJudge, tls: TLSServer, logger: Logger) {
        self.certificate = certificate
        self.verify = verify
        self.tls = tls
        self.logger = logger
    }

    func accepts() -> Bool {
        tls.accepts(certificate, verify, logger)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .judgePeer? = event as? ConnectionCommand, !accepts() {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }
}
