import ExposureKeys
import HTTP2
import NIOCore
import RegionalNode
import Testing

/// What the public listener lets nobody do, whatever the request says of itself.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PublicGrantsTests {
    /// Paths of the other listeners, and spellings that might slip through.
    private static let paths = [
        "/v1/admin/status", "/v1/admin/import", "/v1/link", "/metrics", "//v1/admin/status", "/v1/admin/status/",
        "/v1/./admin/status", "/V1/admin/status", "/%76%31/admin/status", "/v1/admin/status?a=b", "/healthz/../v1/link",
    ]

    private static let claims: [HTTPFields] = [
        ["x-forwarded-for": "127.0.0.1"], ["x-forwarded-host": "localhost"], ["x-forwarded-proto": "https"],
        ["x-forwarded-port": "8441"], ["x-forwarded-prefix": "/v1/admin"], ["x-real-ip": "127.0.0.1"],
        ["forwarded": "for=127.0.0.1;host=localhost;proto=https"], ["via": "1.1 localhost"],
        ["authorization": "Basic YWRtaW46YWRtaW4="], ["authorization": "Bearer x"], ["cookie": "admin=1"],
        ["x-original-url": "/v1/admin/status"], ["x-rewrite-url": "/v1/admin/status"],
        ["x-http-method-override": "GET"], ["x-client-cert": "VN-48"], ["x-ssl-client-verify": "SUCCESS"],
        ["te": "trailers"], ["keytide-verification-key": "AAAA"],
    ]

    /// Everything that an answer tells, except for the time.
    private func answer(_ connection: HTTPConnection, _ head: RequestHead) async throws -> String {
        let (response, body) = try await connection.send(head, body: nil, maxBody: 1 << 20)
        let fields = response.fields.map { "\($0.name): \($0.value)" }.filter { !$0.hasPrefix("date:") }
        return "\(response.status)\n\(fields.joined(separator: "\n"))\n\(String(buffer: body))"
    }

    @Test func noHeaderGrantsAnything() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let connection = try await TestNode.connect(.tcp("127.0.0.1", node.addresses.publicPort))
            for path in Self.paths {
                for method in ["GET", "POST"] {
                    let plain = try await answer(connection, RequestHead(method: method, path: path))
                    #expect(plain.hasPrefix("404") && plain.contains("urn:keytide:problem:"), "\(path): \(plain)")
                    for claim in Self.claims {
                        let claimed = try await answer(
                            connection,
                            RequestHead(method: method, path: path, fields: claim)
                        )
                        #expect(claimed == plain, "\(path) with \(claim)")
                    }
                    for authority in ["localhost", "127.0.0.1:8441", "admin", "VN-48", "[::1]"] {
                        for scheme in ["http", "https", "unix"] {
                            let head = RequestHead(method: method, scheme: scheme, authority: authority, path: path)
                            #expect(try await answer(connection, head) == plain, "\(path) of \(scheme)://\(authority)")
                        }
                    }
                }
            }
            #expect(try await node.status().links.isEmpty)
            await connection.close()
        }
    }
}
