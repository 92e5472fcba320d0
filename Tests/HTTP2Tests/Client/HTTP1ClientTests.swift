import Foundation
import HTTP2
import NIOCore
import Testing
import TestSupport

/// Our client at servers that speak HTTP/1.1 over TLS.
@Suite("HTTP/1.1 as a client", .serialized, .timeLimit(.minutes(1)))
struct HTTP1ClientTests {
    private static let certificate = Result { try TestCertificate() }

    private static func client(allowsHTTP1: Bool = true) throws -> TLSClient {
        try TLSClient(trust: .authorities(pem: certificate.get().certificatePEM), allowsHTTP1: allowsHTTP1)
    }

    /// A server in Python, which says `ready` when it listens. `/N` is N bytes; `/close` ends the connection after the answer;
    /// `/chunked` comes in chunks; `/endless` never ends; `/big-head` has fields of 100,000 bytes.
    private static let script = """
        import http.server, ssl, sys, time
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def log_message(self, *a): pass
            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length']))
                self.answer(body)
            def answer(self, body, close=False):
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.send_header('X-Host', self.headers['host'])
                if close: self.send_header('Connection', 'close'); self.close_connection = True
                self.end_headers()
                self.wfile.write(body)
            def do_GET(self):
                if self.path == '/chunked':
                    self.send_response(200); self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
                    for piece in (b'one', b'two'): self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(piece), piece))
                    self.wfile.write(b'0\\r\\n\\r\\n')
                elif self.path == '/endless':
                    self.send_response(200); self.send_header('Content-Length', '1000000'); self.end_headers()
                    self.wfile.write(b'x'); self.wfile.flush(); time.sleep(30)
                elif self.path == '/big-head':
                    self.send_response(200); self.send_header('X', 'y' * 100000); self.send_header('Content-Length', '0')
                    self.end_headers()
                elif self.path == '/close': self.answer(b'last', close=True)
                else: self.answer(b'a' * int(self.path[1:]))
        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *a): pass
        server = Server(('127.0.0.1', int(sys.argv[1])), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        if sys.argv[4]: context.set_alpn_protocols([sys.argv[4]])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """

    private func withServer(alpn: String, _ body: (Int) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let certificate = try Self.certificate.get()
        let files = [
            try folder.file("cert.pem", Data(certificate.certificatePEM)).path,
            try folder.file("key.pem", Data(certificate.keyPEM)).path,
        ]
        let script = try folder.file("server.py", Data(Self.script.utf8)).path
        let port = try freePort()
        let server = try Tool("python3").start([script, "\(port)"] + files + [alpn])
        defer { server.stop() }
        let isUp = try await eventually {
            guard let connection = try? await connectTLS(to: port, Self.client()) else { return false }
            await connection.close()
            return true
        }
        #expect(isUp)
        try await body(port)
    }

    @Test("Whole, chunked and large answers, one after the other and many at once", arguments: ["", "http/1.1"])
    func answers(alpn: String) async throws {
        try await withServer(alpn: alpn) { port in
            let connection = try await connectTLS(to: port, Self.client())
            let (head, body) = try await connection.get("/5", maxBody: 10)
            #expect(head.status == 200 && head.fields["x-host"] == "localhost:\(port)")
            #expect(String(buffer: body) == "aaaaa")
            #expect(String(buffer: try await connection.get("/chunked", maxBody: 10).1) == "onetwo")
            #expect(try await connection.get("/3000000", maxBody: 3_000_000).1.readableBytes == 3_000_000)
            let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
                for size in 1...20 {
                    group.addTask { try await connection.get("/\(size)", maxBody: 100).1.readableBytes }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(sizes == Set(1...20))
            let upload = pattern(300_000)
            let echo = try await connection.send(RequestHead(method: "POST", path: "/"), body: upload, maxBody: 300_000)
            #expect(echo.1 == upload)
            #expect(connection.isOpen && connection.bytesReceived > 3_300_000)
            await connection.close()
            #expect(!connection.isOpen)
        }
    }

    @Test("A connection that the server ends takes no more: what waits may be made again")
    func serverEnds() async throws {
        try await withServer(alpn: "") { port in
            let connection = try await connectTLS(to: port, Self.client())
            async let last = connection.get("/close", maxBody: 10)
            #expect(String(buffer: try await last.1) == "last")
            await #expect(throws: HTTPError(.refused, "")) { _ = try await connection.get("/1", maxBody: 10) }
            #expect(try await eventually { !connection.isOpen })
        }
    }

    @Test("A body that is too large, a head that is too large, an answer that does not come")
    func limits() async throws {
        try await withServer(alpn: "") { port in
            let first = try await connectTLS(to: port, Self.client())
            await #expect(throws: HTTPError(.bodyTooLarge, "")) { _ = try await first.get("/2000", maxBody: 1000) }
            // What was too large may have come whole by then, and the connection goes on.
            await first.close()
            let second = try await connectTLS(to: port, Self.client())
            await #expect(throws: HTTPError(.protocolViolation, "")) {
                _ = try await second.get("/big-head", maxBody: 1000)
            }
            var configuration = ClientConfiguration()
            configuration.requestTimeout = .milliseconds(300)
            let third = try await HTTPConnection.connect(
                to: .tcp("localhost", port),
                configuration: configuration,
                group: loops,
                logger: quietLogger,
                tls: Self.client()
            )
            await #expect(throws: HTTPError(.timeout, "")) { _ = try await third.get("/endless", maxBody: 1_000_000) }
            #expect(try await eventually { !third.isOpen })
        }
    }

    @Test("Where HTTP/1.1 is not allowed it is refused; where both are, HTTP/2 is spoken")
    func versions() async throws {
        try await withServer(alpn: "http/1.1") { port in
            await #expect(throws: HTTPError(.connectFailed, "")) {
                _ = try await connectTLS(to: port, Self.client(allowsHTTP1: false))
            }
        }
        let tls = try TLSServer(Self.certificate.get().identity)
        try await withTLSServer(tls) { _, port in
            let connection = try await connectTLS(to: port, Self.client())
            #expect(try await connection.get("/", maxBody: 10).0.status == 200)
            // HTTP/1.1 has no PING.
            #expect(try await connection.roundTrip(within: .seconds(5)) > .zero)
            await connection.close()
        }
    }
}
