import Foundation
import HTTP2
import NIOCore
import TestSupport
import Testing

/// Other implementations over TLS: openssl, curl, nghttp, h2load.
@Suite("TLS with other implementations", .timeLimit(.minutes(1)))
struct TLSToolTests {
    private let certificate: TestCertificate
    private let tls: TLSServer

    init() throws {
        certificate = try TestCertificate()
        tls = try TLSServer(try certificate.identity)
    }

    @Test("Sessions are resumed by tickets, without early data")
    func resumption() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await withTLSServer(tls) { _, port in
            let client = OpenSSLClient(folder: folder, port: port)
            let first = try await client.run(["-sess_out", folder.path("session")])
            #expect(first.contains("New, TLSv1.3"), "\(first)")
            #expect(first.contains("Max Early Data: 0"), "\(first)")
            let second = try await client.run(["-sess_in", folder.path("session")])
            #expect(second.contains("Reused, TLSv1.3"), "\(second)")
            #expect(second.contains("HTTP/1.1 200"))
            // Under another certificate the ticket is good for nothing, and a whole handshake follows.
            try tls.use(try TestCertificate().identity)
            let third = try await client.run(["-sess_in", folder.path("session")])
            #expect(third.contains("New, TLSv1.3"), "\(third)")
            #expect(third.contains("HTTP/1.1 200"))
        }
    }

    @Test(
        "curl, which checks the name, gets over HTTP/2 and HTTP/1.1",
        arguments: [("--http2", "2"), ("--http1.1", "1.1")]
    )
    func curl(option: String, version: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let authority = try folder.file("ca.pem", Data(certificate.certificatePEM))
        let body = pattern(1_000_000)
        try await withTLSServer(tls, handler: InformedHandler { _, _ in .respond(ResponseHead(status: 200), body) }) {
            _,
            port in
            let output = try await Tool("curl").run([
                "-sS", option, "--cacert", authority.path, "-o", folder.path("body"), "-w", "%{http_version}",
                "https://localhost:\(port)/",
            ])
            #expect(output.text == version, "\(output.standardError)")
            #expect(ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: folder.path("body")))) == body)
        }
    }

    @Test("nghttp and h2load")
    func nghttp2() async throws {
        try await withTLSServer(tls) { _, port in
            let output = try await Tool("nghttp").run(["-y", "https://127.0.0.1:\(port)/"])
            #expect(output.text.contains("-"), "\(output.standardError)")
            let load = ["-n", "2000", "-c", "10", "-m", "10", "https://127.0.0.1:\(port)/"]
            let result = try await Tool("h2load").run(load, seconds: 50)
            #expect(result.text.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(result.text)")
            #expect(result.text.contains("TLSv1.3"))
        }
    }

    @Test("Our client gets from nghttpd over TLS, and refuses one that speaks HTTP/1.1 only")
    func otherServers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (cert, key) = (
            try folder.file("cert.pem", Data(certificate.certificatePEM)),
            try folder.file("key.pem", Data(certificate.keyPEM))
        )
        try folder.file("small", Data("tiny".utf8))
        let port = try freePort()
        let server = try Tool("nghttpd").start([
            "-d", folder.url.path, "-a", "127.0.0.1", "\(port)", key.path, cert.path,
        ])
        defer { server.stop() }
        var connection: HTTPConnection?
        _ = try await eventually {
            connection = try? await connectTLS(to: port, try certificate.client())
            return connection != nil
        }
        let open = try #require(connection)
        #expect(try await open.get("/small", maxBody: 100).1 == ByteBuffer(string: "tiny"))
        await open.close()

        let old = try freePort()
        let arguments = ["s_server", "-accept", "127.0.0.1:\(old)", "-cert", cert.path, "-key", key.path, "-www"]
        let oldServer = try Tool("openssl").start(arguments)
        defer { oldServer.stop() }
        var reason = ""
        _ = try await eventually {
            do {
                _ = try await connectTLS(to: old, try certificate.client())
            } catch let error as HTTPError {
                reason = error.reason
            }
            return reason.contains("h2")
        }
        #expect(reason.contains("no h2 by ALPN"), "\(reason)")
    }
}
