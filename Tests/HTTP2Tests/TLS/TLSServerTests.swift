import Foundation
import HTTP2
import NIOCore
import TestSupport
import Testing

@Suite("TLS, server side", .timeLimit(.minutes(1)))
struct TLSServerTests {
    private func server(_ certificate: TestCertificate) throws -> TLSServer {
        try TLSServer(try certificate.identity)
    }

    @Test("Our client and server speak HTTP/2 over TLS 1.3, large bodies included")
    func largeBodies() async throws {
        let certificate = try TestCertificate()
        let body = pattern(3_000_000)
        let handler = InformedHandler { request, _ in
            guard request.method == "POST" else { return .respond(ResponseHead(status: 200), body) }
            return .run { inbound, writer in
                let received = try await inbound.collect(upTo: 4_000_000)
                try await writer.send(ResponseHead(status: 200))
                try await writer.write(received)
            }
        }
        let tls = try server(certificate)
        try await withTLSServer(tls, handler: handler) { _, port in
            let connection = try await connectTLS(to: port, try certificate.client())
            let (_, got) = try await connection.get("/", maxBody: 4_000_000)
            #expect(got == body)
            let post = RequestHead(method: "POST", path: "/")
            let (_, echo) = try await connection.send(post, body: body, maxBody: 4_000_000)
            #expect(echo == body)
            await connection.close()
        }
        #expect(tls.counts == TLSServer.Counts(handshakes: 1, failures: 0, refusals: 0))
    }

    @Test("TLS 1.2 and older are refused", arguments: ["-tls1_2", "-tls1_1"])
    func oldVersions(version: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let tls = try server(try TestCertificate())
        try await withTLSServer(tls) { _, port in
            let text = try await OpenSSLClient(folder: folder, port: port).run([version])
            #expect(!text.contains("HTTP/1.1 200"), "\(text)")
            #expect(try await eventually { tls.counts.failures == 1 })
            #expect(tls.counts.handshakes == 0)
        }
    }

    @Test("A client that offers no protocol is answered in HTTP/1.1, as proxies want it")
    func noProtocol() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let tls = try server(try TestCertificate())
        try await withTLSServer(tls) { server, port in
            let text = try await OpenSSLClient(folder: folder, port: port).run([], alpn: "")
            #expect(text.contains("HTTP/1.1 200"), "\(text)")
            #expect(tls.counts == TLSServer.Counts(handshakes: 1, failures: 0, refusals: 0))
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("A client that offers no protocol gets nothing where HTTP/1.1 is not spoken")
    func noProtocolWithoutHTTP1() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let tls = try server(try TestCertificate())
        var configuration = ServerConfiguration()
        configuration.allowsHTTP1 = false
        try await withTLSServer(tls, configuration) { _, port in
            let text = try await OpenSSLClient(folder: folder, port: port).run([], alpn: "")
            #expect(!text.contains("HTTP/1.1 200"), "\(text)")
            #expect(try await eventually { tls.counts.failures == 1 })
        }
    }

    @Test("A client that offers other protocols only gets nothing", arguments: ["ftp", "http/1.0,imap", "h2c"])
    func otherProtocols(alpn: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let tls = try server(try TestCertificate())
        try await withTLSServer(tls) { server, port in
            let text = try await OpenSSLClient(folder: folder, port: port).run([], alpn: alpn)
            #expect(!text.contains("HTTP/1.1"), "\(text)")
            #expect(tls.counts == TLSServer.Counts(handshakes: 0, failures: 1, refusals: 0))
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test("X25519 comes first")
    func curve() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await withTLSServer(try server(try TestCertificate())) { _, port in
            let client = OpenSSLClient(folder: folder, port: port)
            let text = try await client.run(["-groups", "X25519:P-256"])
            #expect(text.contains("X25519"), "\(text)")
            let only = try await client.run(["-groups", "P-256"])
            #expect(only.contains("HTTP/1.1 200"), "\(only)")
        }
    }

    @Test("A client that does not go on with the handshake is closed at the deadline", arguments: [0, 1, 40])
    func deadline(bytes: Int) async throws {
        var configuration = ServerConfiguration()
        configuration.prefaceDeadline = .milliseconds(200)
        let tls = try server(try TestCertificate())
        try await withTLSServer(tls, configuration) { server, port in
            let peer = try await RawPeer.connect(to: port)
            // The beginning of a ClientHello of 512 bytes.
            let hello: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + [UInt8](repeating: 7, count: 40)
            // A slow machine may find it closed already.
            if bytes > 0 { try? await peer.send(Array(hello.prefix(bytes))) }
            try await peer.expectClosed()
            #expect(tls.counts.failures == 1)
            #expect(try await eventually { server.connectionCount == 0 })
        }
    }

    @Test(
        "What is no TLS is closed",
        arguments: ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    )
    func cleartext(text: String) async throws {
        let tls = try server(try TestCertificate())
        try await withTLSServer(tls) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(text)
            try await peer.expectClosed()
            #expect(!peer.receivedText.contains("HTTP/1.1"))
            #expect(tls.counts.failures == 1)
        }
    }

    @Test("Connections count from their first byte on")
    func limit() async throws {
        var configuration = ServerConfiguration()
        configuration.maxConnections = 3
        try await withTLSServer(try server(try TestCertificate()), configuration) { server, port in
            var waiting: [RawPeer] = []
            for _ in 0..<3 { waiting.append(try await RawPeer.connect(to: port)) }
            #expect(try await eventually { server.connectionCount == 3 })
            let newest = try await RawPeer.connect(to: port)
            try await waiting[0].expectClosed()
            #expect(server.connectionCount == 3)
            for peer in waiting.dropFirst() + [newest] {
                #expect(!peer.isClosed)
                await peer.close()
            }
        }
    }

    @Test("A shutdown ends open connections and handshakes with close_notify, and is quick")
    func shutdown() async throws {
        let certificate = try TestCertificate()
        let began = ContinuousClock.now
        try await withTLSServer(try server(certificate)) { _, port in
            _ = try await RawPeer.connect(to: port)
            let connection = try await connectTLS(to: port, try certificate.client())
            #expect(try await connection.get("/", maxBody: 100).0.status == 200)
            #expect(connection.isOpen)
        }
        #expect(ContinuousClock.now - began < .seconds(15))
    }

    @Test("Certificates are exchanged under load: no request fails, and each connection sees a whole one")
    func exchange() async throws {
        let (first, second) = (try TestCertificate(), try TestCertificate())
        let tls = try server(first)
        try await withTLSServer(tls, handler: InformedHandler { _, _ in .respond(ResponseHead(status: 200), nil) }) {
            _,
            port in
            let old = try await connectTLS(to: port, try first.client())
            let isOver = Counter()
            async let load = Tool("h2load").run(
                ["-n", "3000", "-c", "100", "-m", "3", "https://127.0.0.1:\(port)/"],
                seconds: 50
            )
            let exchanges = Task {
                var number = 0
                while isOver.value == 0 {
                    try tls.use(try (number % 2 == 0 ? second : first).identity)
                    number += 1
                    try await Task.sleep(for: .milliseconds(1))
                }
                return number
            }
            let output = try await load
            isOver.add(1)
            #expect(output.text.contains("3000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(output.text)")
            #expect(try await exchanges.value > 1)
            try tls.use(try second.identity)
            #expect(try await old.get("/", maxBody: 0).0.status == 200)
            let new = try await connectTLS(to: port, try second.client())
            #expect(try await new.get("/", maxBody: 0).0.status == 200)
            await #expect(throws: HTTPError(.connectFailed, "")) {
                _ = try await connectTLS(to: port, try first.client())
            }
            await old.close()
            await new.close()
        }
    }
}
