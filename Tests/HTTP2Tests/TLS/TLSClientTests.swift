import HTTP2
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite("TLS, client side", .timeLimit(.minutes(1)))
struct TLSClientTests {
    private func refusal(_ port: Int, _ tls: TLSClient, host: String = "localhost") async throws -> HTTPError? {
        do {
            let connection = try await connectTLS(to: port, tls, host: host)
            await connection.close()
            return nil
        } catch let error as HTTPError {
            return error
        }
    }

    @Test("Only the authorities that were given are believed, for the host that was dialled")
    func authorities() async throws {
        let (certificate, other) = (try TestCertificate(), try TestCertificate())
        try await withTLSServer(try TLSServer(try certificate.identity)) { _, port in
            let (right, wrong) = (try certificate.client(), try other.client())
            #expect(try await refusal(port, right) == nil)
            #expect(try await refusal(port, wrong)?.code == .connectFailed)
            let system = try TLSClient(trust: .system)
            #expect(try await refusal(port, system)?.code == .connectFailed)
            // The certificate is for localhost, not for this address.
            #expect(try await refusal(port, right, host: "127.0.0.1")?.code == .connectFailed)
        }
    }

    @Test("An expired certificate is not believed")
    func expired() async throws {
        let now = TestCertificate.now
        let certificate = try TestCertificate(validity: (now - 200_000)...(now - 100_000))
        try await withTLSServer(try TLSServer(try certificate.identity)) { _, port in
            let client = try certificate.client()
            #expect(try await refusal(port, client)?.code == .connectFailed)
        }
    }

    @Test("A judge sees hash and validity, and decides alone, again whenever it is asked")
    func judge() async throws {
        let now = TestCertificate.now
        let validity = (now - 200_000)...(now - 100_000)
        let certificate = try TestCertificate(validity: validity)
        let hash = try certificate.certificateHash()
        let isTrusted = Mutex(true)
        let tls = try TLSClient(
            trust: .judged { shown in
                guard shown.hash == hash, shown.validity == validity else { return .refused("another certificate") }
                return isTrusted.withLock { $0 } ? .accepted : .refused("no more")
            }
        )
        try await withTLSServer(try TLSServer(try certificate.identity)) { _, port in
            let connection = try await connectTLS(to: port, tls, host: "127.0.0.1")
            #expect(try await connection.get("/", maxBody: 100).0.status == 200)
            #expect(connection.isPeerStillAccepted)
            isTrusted.withLock { $0 = false }
            #expect(!connection.isPeerStillAccepted)
            await connection.close()
            let error = try await refusal(port, tls)
            #expect(error?.code == .certificate)
            #expect(error?.reason.contains("no more") == true, "\(String(describing: error))")
        }
    }

    @Test("Authorities must be PEM")
    func noAuthorities() throws {
        for bytes in [[], Array("nonsense".utf8), try TestCertificate().keyPEM] {
            #expect(throws: HTTPError(.certificate, "")) { _ = try TLSClient(trust: .authorities(pem: bytes)) }
        }
    }

    @Test("A server that accepts and says nothing costs the connect timeout, no more")
    func silentServer() async throws {
        let (listener, port) = try await RawPeer.listen { _ in }
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(200)
        let error = await #expect(throws: HTTPError.self) {
            _ = try await HTTPConnection.connect(
                to: .tcp("127.0.0.1", port),
                configuration: configuration,
                group: loops,
                logger: quietLogger,
                tls: try TLSClient(trust: .system)
            )
        }
        #expect(error?.code == .timeout)
        try await listener.close()
    }

    @Test("A server that speaks no TLS fails the connection")
    func cleartextServer() async throws {
        try await withServer(answer: { _ in .respond(ResponseHead(status: 200), nil) }) { _, port in
            let client = try TLSClient(trust: .system)
            #expect(try await refusal(port, client)?.code == .connectFailed)
        }
    }
}
