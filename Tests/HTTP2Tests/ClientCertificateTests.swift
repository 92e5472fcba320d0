import Foundation
import HTTP2
import NIOCore
import TestSupport
import Testing

@Suite("Client certificates", .timeLimit(.minutes(1)))
struct ClientCertificateTests {
    private let server: TestCertificate
    private let peer: TestCertificate
    private let accepted: AcceptedCertificates
    private let tls: TLSServer

    init() throws {
        server = try TestCertificate()
        peer = try TestCertificate("peer")
        accepted = try AcceptedCertificates(peer)
        tls = try TLSServer(try server.identity, clientCertificates: .required(verify: accepted.judge))
    }

    /// What the server says to a client that shows `certificate`.
    private func answer(_ port: Int, showing certificate: TestCertificate?) async throws -> String? {
        let identity = try certificate.map { try $0.identity }
        let connection = try await connectTLS(to: port, try server.client(identity: identity))
        let answer = try? await connection.get("/", maxBody: 100).1
        await connection.close()
        return answer.map { String(buffer: $0) }
    }

    @Test("A handler is told the certificate that was accepted, whatever headers claim")
    func accepted() async throws {
        try await withTLSServer(tls) { _, port in
            let hash = try peer.certificateHash().description
            #expect(try await answer(port, showing: peer) == hash)
            #expect(tls.counts == TLSServer.Counts(handshakes: 1, failures: 0, refusals: 0))
        }
    }

    @Test("A stranger gets no answer and is counted")
    func stranger() async throws {
        try await withTLSServer(tls) { server, port in
            let stranger = try TestCertificate()
            #expect(try await answer(port, showing: stranger) == nil)
            #expect(try await eventually { tls.counts.refusals == 1 })
            #expect(tls.counts.handshakes == 0)
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("Who shows no certificate gets no answer")
    func none() async throws {
        try await withTLSServer(tls) { _, port in
            let silence = try await answer(port, showing: nil)
            #expect(silence == nil)
            #expect(try await eventually { tls.counts.failures == 1 })
            #expect(tls.counts.handshakes == 0)
        }
    }

    @Test("Who knows a certificate and not its key gets no answer")
    func stolenCertificate() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let certificate = try folder.file("cert.pem", Data(peer.certificatePEM))
        let key = try folder.file("key.pem", Data(try TestCertificate().keyPEM))
        try await withTLSServer(tls) { _, port in
            let client = OpenSSLClient(folder: folder, port: port)
            // openssl itself refuses such a pair, and goes on without a certificate at best.
            let text = try await client.run(["-cert", certificate.path, "-key", key.path])
            #expect(!text.contains("HTTP/1.1 200"), "\(text)")
            #expect(tls.counts.handshakes == 0)
        }
    }

    @Test("A revoked peer's open connection is closed when it is judged again; others stay")
    func revoked() async throws {
        let other = try TestCertificate("other")
        try accepted.accept(other)
        try await withTLSServer(tls) { running, port in
            let one = try await connectTLS(to: port, try server.client(identity: try peer.identity))
            let two = try await connectTLS(to: port, try server.client(identity: try other.identity))
            #expect(try await one.get("/", maxBody: 100).0.status == 200)
            #expect(try await two.get("/", maxBody: 100).0.status == 200)
            accepted.revokeAll()
            try accepted.accept(other)
            running.judgePeersAgain()
            await one.waitUntilClosed()
            #expect(try await two.get("/", maxBody: 100).0.status == 200)
            #expect(tls.counts.refusals == 1)
            #expect(try await answer(port, showing: peer) == nil)
            await two.close()
        }
    }

    @Test("A resumed session is judged as a new one", arguments: [false, true])
    func resumed(isRevoked: Bool) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let certificate = try folder.file("cert.pem", Data(peer.certificatePEM))
        let key = try folder.file("key.pem", Data(peer.keyPEM))
        try await withTLSServer(tls) { _, port in
            let client = OpenSSLClient(folder: folder, port: port)
            let identity = ["-cert", certificate.path, "-key", key.path]
            let first = try await client.run(identity + ["-sess_out", folder.path("session")])
            #expect(first.contains("HTTP/1.1 200"), "\(first)")
            if isRevoked { accepted.revokeAll() }
            let second = try await client.run(["-sess_in", folder.path("session")])
            #expect(second.contains("Reused, TLSv1.3"), "\(second)")
            #expect(second.contains("HTTP/1.1 200") != isRevoked, "\(second)")
            let hash = try peer.certificateHash().description
            #expect(second.contains(hash) != isRevoked)
            #expect(tls.counts.refusals == (isRevoked ? 1 : 0))
        }
    }
}
