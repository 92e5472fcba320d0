import ExposureKeys
import FeedFormat
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// The routes for phones and caches, over HTTP/2 and HTTP/1.1.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PublicRoutesTests {
    @Test func indexIsSignedAndKeptUntilAfterTheNextSlot() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let report = try await node.publish(try nodes.country.archive(patients: 5), of: nodes.country)
            // What is acknowledged is listed at once.
            let (head, body) = try await node.get("/v1/index")
            #expect(head.status == 200)
            let region = nodes.country.regions[0]
            let roster = nodes.country.roster
            let index = try FeedIndex(Array(body.readableBytesView)[...], keys: { roster.keys(of: $0) })
            #expect(index.node == region)
            #expect(index.fresh.entries.map(\.feed.description) == [report.feed])
            // The clock stands at the begin of a slot of an hour: 120 s after its end, and up to a tenth more.
            let age = try #require(head.fields["cache-control"]?.split(separator: "=").last.flatMap { Int($0) })
            #expect((3600 + 120 - 60...3600 + 120 + 360).contains(age))
            #expect(head.fields["cache-control"]?.hasPrefix("public, max-age=") == true)

            let tag = try #require(head.fields["etag"])
            for value in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let (again, nothing) = try await node.get("/v1/index", fields: ["if-none-match": value])
                #expect(again.status == 304, "\(value)")
                #expect(again.fields["etag"] == tag)
                #expect(nothing.readableBytes == 0)
            }
            #expect(try await node.get("/v1/index", fields: ["if-none-match": "\"other\""]).0.status == 200)

            let (settled, empty) = try await node.get("/v1/index/settled/\(index.settledHash.hexadecimal)")
            #expect(settled.status == 200)
            #expect(Hash256(hashing: Array(empty.readableBytesView)[...]) == index.settledHash)
        }
    }

    @Test func rangesAreImmutableForTheRestOfTheirLife() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            var feed = ""
            for _ in 0..<4 {
                feed = try await node.publish(try nodes.country.archive(patients: 5), of: nodes.country).feed ?? ""
            }
            // The second time the answer comes from the cache.
            for _ in 0..<2 {
                let (head, body) = try await node.get("/v1/feeds/\(feed)/2/0")
                #expect(head.status == 200)
                let caching = try #require(head.fields["cache-control"])
                #expect(caching.hasPrefix("public, max-age="))
                #expect(caching.hasSuffix(", immutable"))
                let age = try #require(caching.split(separator: "=").last.flatMap { Int($0.prefix { $0 != "," }) })
                #expect((15 * 86_400 - 700...15 * 86_400).contains(age))
                let range = try #require(FeedRange(level: 2, index: 0))
                let parts = try RangeBody(Array(body.readableBytesView)[...], range: range)
                #expect(parts.batches.count == 4)
                #expect(head.fields["content-length"] == "\(body.readableBytes)")
            }
            for path in ["hashes/2/0", "frontier/3"] {
                let (head, body) = try await node.get("/v1/feeds/\(feed)/\(path)")
                #expect(head.status == 200)
                #expect(head.fields["cache-control"]?.hasSuffix(", immutable") == true)
                #expect(head.fields["content-length"] == "\(body.readableBytes)")
            }
            #expect(try await node.get("/v1/feeds/\(feed)/hashes/2/0").1.readableBytes == 4 * 32)
        }
    }

    @Test func headTellsWhatGetWould() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let feed = try await node.publish(try nodes.country.archive(patients: 5), of: nodes.country).feed ?? ""
            for path in [
                "/v1/index", "/v1/roster", "/healthz", "/v1/feeds/\(feed)/0/0", "/v1/feeds/\(feed)/hashes/0/0",
                "/v1/feeds/\(feed)/frontier/1", "/v1/feeds/\(feed)/0/9",
            ] {
                let (get, body) = try await node.get(path)
                let (head, nothing) = try await node.get(path, method: "HEAD")
                #expect(head.status == get.status, "\(path)")
                #expect(head.fields["content-type"] == get.fields["content-type"], "\(path)")
                #expect(head.fields["content-length"] == "\(body.readableBytes)", "\(path)")
                #expect(nothing.readableBytes == 0)
            }
            let (roster, text) = try await node.get("/v1/roster")
            #expect(
                Array(text.readableBytesView)
                    == [UInt8](try Data(contentsOf: URL(fileURLWithPath: nodes.country.scratch.file("roster"))))
            )
            let again = try await node.get("/v1/roster", fields: ["if-none-match": roster.fields["etag"] ?? ""]).0
            #expect(again.status == 304)
        }
    }

    @Test func everyErrorIsAProblemDocument() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let feed = try await node.publish(try nodes.country.archive(patients: 5), of: nodes.country).feed ?? ""
            let region = nodes.country.regions[0]
            let cases: [(method: String, path: String, status: Int, name: String)] = [
                ("GET", "/", 404, "no-such-route"), ("GET", "/v1/index/", 404, "no-such-route"),
                ("GET", "/v1/index?x=1", 404, "no-such-route"), ("GET", "/v1/link", 404, "no-such-route"),
                ("GET", "/v1/admin/status", 404, "no-such-route"),
                ("POST", "/v1/index", 405, "method-not-allowed"), ("DELETE", "/v1/roster", 405, "method-not-allowed"),
                ("PUT", "/v1/feeds/\(feed)/0/0", 405, "method-not-allowed"),
                ("GET", "/v1/feeds/VN-79/0000000000000001/0/0", 404, "unknown-region"),
                ("GET", "/v1/feeds/nowhere!/0000000000000001/0/0", 404, "unknown-region"),
                ("GET", "/v1/feeds/\(region)/0000000000000001/0/0", 404, "unknown-feed"),
                ("GET", "/v1/feeds/\(feed)/0/1", 404, "beyond-end"),
                ("GET", "/v1/feeds/\(feed)/17/0", 404, "beyond-end"),
                ("GET", "/v1/feeds/\(feed)/hashes/1/0", 404, "beyond-end"),
                ("GET", "/v1/feeds/\(feed)/frontier/2", 404, "beyond-end"),
                ("GET", "/v1/feeds/\(feed)/0/01", 404, "no-such-route"),
                ("GET", "/v1/feeds/\(feed)/18/0", 404, "no-such-route"),
                ("GET", "/v1/feeds/\(feed)/0/18446744073709551615", 404, "no-such-route"),
                ("GET", "/v1/index/VN-79", 404, "no-index-held"), ("GET", "/v1/index/vn-79", 404, "no-such-route"),
                ("GET", "/v1/index/settled", 404, "no-such-route"),
                ("GET", "/v1/index/settled/\(String(repeating: "0", count: 64))", 404, "unknown-part"),
            ]
            for (method, path, status, name) in cases {
                let (head, body) = try await node.get(path, method: method)
                #expect(head.status == status, "\(method) \(path)")
                #expect(head.fields["content-type"] == "application/problem+json")
                #expect((head.fields["allow"] == "GET, HEAD") == (status == 405))
                expectProblem(Data(body.readableBytesView), status: status, name: name, "\(method) \(path)")

                let plain = try await PlainHTTP.request(method, path, port: node.addresses.publicPort)
                #expect(plain.status == status, "HTTP/1.1 \(method) \(path)")
                #expect(plain.fields["content-type"] == "application/problem+json")
                expectProblem(plain.body, status: status, name: name, "HTTP/1.1 \(method) \(path)")
            }
        }
    }

    private func expectProblem(_ body: Data, status: Int, name: String, _ what: Comment) {
        let object = try? JSONSerialization.jsonObject(with: body) as? [String: Any]
        #expect(object?["type"] as? String == "urn:keytide:problem:\(name)", what)
        #expect(object?["status"] as? Int == status, what)
        #expect((object?["title"] as? String)?.isEmpty == false, what)
        #expect((object?["detail"] as? String)?.isEmpty == false, what)
    }

    @Test func bothVersionsOfHTTPGiveTheSameBytes() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let feed = try await node.publish(try nodes.country.archive(patients: 300), of: nodes.country).feed ?? ""
            for path in ["/v1/index", "/v1/roster", "/healthz", "/v1/feeds/\(feed)/0/0"] {
                let (head, body) = try await node.get(path)
                let plain = try await PlainHTTP.request("GET", path, port: node.addresses.publicPort)
                #expect(plain.status == head.status)
                #expect(plain.body == Data(body.readableBytesView))
                #expect(plain.fields["etag"] == head.fields["etag"])
            }
        }
    }

    @Test func linksAreTakenOnThePeerListenerOnly() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            #expect(try await node.get("/v1/link", method: "POST").0.status == 404)
            let peer = try await PlainHTTP.request("GET", "/v1/link", port: node.addresses.peerPort)
            #expect(peer.status == 405)
            #expect(peer.fields["allow"] == "POST")
        }
    }
}

/// HTTP/1.1 by hand, one request for each connection.
enum PlainHTTP {
    struct Answer {
        let status: Int
        let fields: [String: String]
        let body: Data
    }

    static func request(_ method: String, _ path: String, port: Int) async throws -> Answer {
        let text = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let all = try await exchange(text, port: port)
        guard let end = all.range(of: Data("\r\n\r\n".utf8)) else { throw TestFailure("no head in the answer") }
        let lines = String(decoding: all[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 2 { fields[parts[0].lowercased()] = parts[1] }
        }
        return Answer(status: status, fields: fields, body: all[end.upperBound...])
    }

    /// Sends a text and returns all that comes back, on a thread that may block.
    private static func exchange(_ text: String, port: Int) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(descriptor) }
                var limit = timeval(tv_sec: 10, tv_usec: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = UInt16(port).bigEndian
                address.sin_addr.s_addr = inet_addr("127.0.0.1")
                let isConnected = withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    }
                }
                guard isConnected else { return continuation.resume(throwing: TestFailure("no connection")) }
                _ = text.withCString { send(descriptor, $0, strlen($0), 0) }
                var all = Data()
                var piece = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = recv(descriptor, &piece, piece.count, 0)
                    guard count > 0 else { break }
                    all.append(contentsOf: piece[..<count])
                }
                continuation.resume(returning: all)
            }
        }
    }
}
