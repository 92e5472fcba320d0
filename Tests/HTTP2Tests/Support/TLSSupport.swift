import Foundation
import HTTP2
import NIOCore
import Synchronization
import TestSupport

extension TestCertificate {
    var identity: TLSIdentity {
        get throws { try TLSIdentity(certificates: certificatePEM, key: keyPEM) }
    }

    func certificateHash() throws -> CertificateHash {
        guard let hash = CertificateHash(bytes: hash) else { throw TestFailure("a hash of 32 bytes is none") }
        return hash
    }

    /// A client that believes this certificate alone.
    func client(identity: TLSIdentity? = nil) throws -> TLSClient {
        try TLSClient(trust: .authorities(pem: certificatePEM), identity: identity)
    }
}

/// Answers by a closure that is told of the connection.
struct InformedHandler: RequestHandler {
    let answer: @Sendable (RequestHead, ConnectionInfo) -> RequestHandling

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        answer(request, connection)
    }
}

/// Tells the hash of the client's certificate, or `-`.
let tellCertificate = InformedHandler { _, connection in
    .respond(ResponseHead(status: 200), ByteBuffer(string: connection.clientCertificate?.description ?? "-"))
}

/// A server over TLS on a free port of 127.0.0.1, for the time of `body`.
func withTLSServer<Result>(
    _ tls: TLSServer,
    _ configuration: ServerConfiguration = ServerConfiguration(),
    handler: any RequestHandler = tellCertificate,
    _ body: (HTTPServer, Int) async throws -> Result
) async throws -> Result {
    let server = try await HTTPServer.bind(
        .tcp("127.0.0.1", 0),
        configuration: configuration,
        group: loops,
        logger: quietLogger,
        tls: tls,
        handler: handler
    )
    do {
        guard let port = server.localAddress.port else { throw TestFailure("the server has no port") }
        let result = try await body(server, port)
        try await server.shutdown(grace: .milliseconds(500))
        return result
    } catch {
        try await server.shutdown(grace: .zero)
        throw error
    }
}

func connectTLS(to port: Int, _ tls: TLSClient, host: String = "localhost") async throws -> HTTPConnection {
    try await HTTPConnection.connect(to: .tcp(host, port), group: loops, logger: quietLogger, tls: tls)
}

/// Certificates that are accepted, as a list that changes.
final class AcceptedCertificates: Sendable {
    private let hashes = Mutex<Set<CertificateHash>>([])

    init(_ certificates: TestCertificate...) throws {
        for certificate in certificates { try accept(certificate) }
    }

    func accept(_ certificate: TestCertificate) throws {
        let hash = try certificate.certificateHash()
        hashes.withLock { _ = $0.insert(hash) }
    }

    func revokeAll() { hashes.withLock { $0 = [] } }

    var judge: PeerJudge {
        { certificate in self.hashes.withLock { $0.contains(certificate.hash) } ? .accepted : .refused("not listed") }
    }
}

/// `openssl s_client` with one HTTP/1.1 request, and what it prints about the connection.
struct OpenSSLClient {
    let folder: TemporaryFolder
    let port: Int

    func run(_ arguments: [String], alpn: String = "http/1.1") async throws -> String {
        let request = try folder.file("request", Data("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".utf8))
        let options =
            ["s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"] + (alpn.isEmpty ? [] : ["-alpn", alpn])
        let output = try await Tool("openssl").run(options + arguments, input: request)
        return output.text + output.standardError
    }
}
