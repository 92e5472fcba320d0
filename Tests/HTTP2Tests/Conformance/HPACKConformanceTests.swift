import HTTP2
import NIOCore
import Testing
import TestSupport

/// RFC 7541, decoded by a server and by a client as they run.
@Suite("RFC 7541: header compression", .timeLimit(.minutes(1)))
struct HPACKConformanceTests {
    private static let request = Block.request()

    private static func broken(_ section: String, _ name: String, _ fields: [UInt8]) -> ConformanceCase {
        .init(section, name, Frame.headers(fields), .connectionError(.compression))
    }

    /// An indexed field whose index is 127 and what the bytes after it add.
    private static func index(_ bytes: [UInt8]) -> [UInt8] { [0xFF] + bytes }

    static let errors: [ConformanceCase] = [
        broken("6.1", "index 0", request + [0x80]),
        broken("2.3.3", "an index beyond the static table, the dynamic one being empty", request + [0xBE]),
        broken("2.3.3", "an index beyond the dynamic table", request + Block.indexed("a", "b") + [0xBF]),
        broken("2.3.3", "a name's index beyond the tables", request + [0x7E] + Block.string("b")),
        broken("4.2", "a table larger than was allowed", Block.integer(4097, prefix: 5, first: 0x20) + request),
        broken("4.2", "a table's size after a field", request + [0x20]),
        broken("4.4", "an entry that was evicted", [0x20] + request + Block.indexed("a", "b") + [0xBE]),
        broken(
            "4.4",
            "an entry larger than the table empties it",
            request + Block.indexed("a", "b") + Block.indexed("c", String(repeating: "d", count: 4096)) + [0xBE]
        ),
        broken(
            "5.1",
            "an integer beyond all bounds",
            request + index([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        ),
        broken("5.1", "an integer of 2^32", request + index([0x81, 0xFF, 0xFF, 0xFF, 0x0F])),
        broken("5.1", "an integer without its end", request + index([0x80])),
        broken("5.2", "a string without its end", request + [0x00, 5, 0x61]),
        broken("5.2", "a string without its length", request + [0x00]),
        broken("5.2", "Huffman: padding of more than 7 bits", request + [0x00, 1, 0x61, 0x82, 0x1F, 0xFF]),
        broken("5.2", "Huffman: padding that is not the begin of EOS", request + [0x00, 1, 0x61, 0x81, 0x18]),
        broken("5.2", "Huffman: EOS", request + [0x00, 1, 0x61, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
    ]

    static let valid: [ConformanceCase] = [
        .init(
            "4.2",
            "a table's size at the begin",
            Frame.headers(Block.integer(4096, prefix: 5, first: 0x20) + request),
            .answered("GET")
        ),
        .init(
            "4.2",
            "two sizes at the begin",
            Frame.headers([0x20] + Block.integer(4096, prefix: 5, first: 0x20) + request),
            .answered("GET")
        ),
        .init(
            "2.3.3",
            "an entry of the dynamic table",
            Frame.headers(request + Block.indexed("a", "b") + [0xBE]),
            .answered("a: b\na: b\n")
        ),
        .init(
            "2.3.2",
            "the newest entry comes first",
            Frame.headers(request + Block.indexed("a", "b") + Block.indexed("c", "d") + [0xBF, 0xBE]),
            .answered("c: d\na: b\nc: d\n")
        ),
        .init(
            "4.4",
            "the oldest entry goes first",
            Frame.headers(
                Block.integer(80, prefix: 5, first: 0x20) + request + Block.indexed("a", "b") + Block.indexed("c", "d")
                    + Block.indexed("e", "f") + [0xBF, 0xBE]
            ),
            .answered("e: f\nc: d\ne: f\n")
        ),
        .init(
            "4.4",
            "a name of an entry that its own insertion evicts",
            Frame.headers(
                Block.integer(40, prefix: 5, first: 0x20) + request + Block.indexed("name", "v") + [0x7E]
                    + Block.string("w") + [0xBE]
            ),
            .answered("name: v\nname: w\nname: w\n")
        ),
        .init(
            "6.2.2",
            "a literal without indexing, its name indexed",
            Frame.headers(request + [0x0F, 0x04] + Block.string("/x")),
            .answered("accept: /x")
        ),
        .init(
            "6.2.3",
            "a literal never indexed",
            Frame.headers(request + [0x10] + Block.string("a") + Block.string("b")),
            .answered("a: b")
        ),
        .init(
            "5.1",
            "an integer with zeros after it",
            Frame.headers(request + [0x00, 1, 0x61, 0x7F, 0x80, 0x00] + [UInt8](repeating: 0x62, count: 127)),
            .answered("a: " + String(repeating: "b", count: 127))
        ),
        .init(
            "2.2",
            "tables outlive a stream",
            Frame.headers(request + Block.indexed("a", "b"), stream: 1) + Frame.headers(request + [0xBE], stream: 3),
            .answered("a: b")
        ),
        .init(
            "2.2",
            "tables are kept when a request is malformed",
            Frame.headers([0x82] + Block.indexed("a", "b"), stream: 1) + Frame.headers(request + [0xBE], stream: 3),
            .answered("a: b")
        ),
    ]

    @Test("What cannot be decoded ends the connection", arguments: errors)
    func error(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    @Test("All representations, and what they do to the table", arguments: valid)
    func representation(_ conformanceCase: ConformanceCase) async throws {
        try await EchoServer.run(conformanceCase, ServerConfiguration())
    }

    /// Appendix C.3 and C.4: three requests on one connection, without and with Huffman coding.
    private static let requestVectors: [[String]] = [
        [
            "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ],
        [
            "828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ],
    ]

    @Test("C.3, C.4 The requests of the appendix", arguments: requestVectors.indices)
    func appendixRequests(index: Int) async throws {
        let expected = [
            "GET / www.example.com\n\n", "GET / www.example.com\ncache-control: no-cache\n\n",
            "GET /index.html www.example.com\ncustom-key: custom-value\n\n",
        ]
        try await withServer(answer: EchoServer.answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings)
            for (number, text) in Self.requestVectors[index].enumerated() {
                let stream = UInt32(number * 2 + 1)
                try await peer.send(Frame.headers(Self.bytes(text), stream: stream))
                #expect(try await eventually { Observed(peer).endedStreams.contains(stream) })
            }
            #expect(Observed(peer).bodies == expected.joined())
            await peer.close()
        }
    }

    /// Appendix C.5 and C.6: three responses with a table of 256 bytes, so that entries are evicted.
    private static let responseVectors: [[String]] = [
        [
            "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                + "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
            "4803333037c1c0bf",
            "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d41534"
                + "44a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
        ],
        [
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae8"
                + "2ae43d3",
            "4883640effc1c0bf",
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960"
                + "d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ],
    ]

    @Test("C.5, C.6 The responses of the appendix", arguments: responseVectors.indices)
    func appendixResponses(index: Int) async throws {
        let date = { (second: Int) in "Mon, 21 Oct 2013 20:13:\(second) GMT" }
        let location = "location: https://www.example.com"
        let expected = [
            "302; cache-control: private; date: \(date(21)); \(location)",
            "307; cache-control: private; date: \(date(21)); \(location)",
            "200; cache-control: private; date: \(date(22)); \(location); content-encoding: gzip; "
                + "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ]
        let blocks = Self.responseVectors[index].map { Self.bytes($0) }
        try await ScriptedServer.withScript({ peer in
            try await peer.send(Frame.settings)
            let size = Block.integer(256, prefix: 5, first: 0x20)
            for (number, block) in blocks.enumerated() {
                let isAsked = try await eventually {
                    Frame.parse(peer.received).filter { $0.type == 1 }.count > number
                }
                guard isAsked else { throw TestFailure("request \(number) did not come") }
                try await peer.send(Frame.headers((number == 0 ? size : []) + block, stream: UInt32(number * 2 + 1)))
            }
            _ = try await eventually { peer.isClosed }
        }) { port in
            try await withConnection(to: port) { connection in
                for line in expected {
                    let (head, _) = try await connection.get("/", maxBody: 10)
                    #expect("\(head.status); \(head.fields)" == line)
                }
            }
        }
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        stride(from: 0, to: hexadecimal.count, by: 2).compactMap { offset in
            let begin = hexadecimal.index(hexadecimal.startIndex, offsetBy: offset)
            return UInt8(hexadecimal[begin...].prefix(2), radix: 16)
        }
    }

    @Test("4.2 A table of size 0 is announced before the next field block, and nothing refers to it")
    func noTable() async throws {
        let answer: @Sendable (RequestHead) -> RequestHandling = { _ in
            .respond(ResponseHead(status: 299, fields: ["custom-name": "custom value"]), nil)
        }
        try await withServer(answer: answer) { _, port in
            let peer = try await RawPeer.connect(to: port)
            try await peer.send(Frame.preface + Frame.settings(id: 1, 0))
            for stream in [UInt32(1), 3] {
                try await peer.send(Frame.headers(Block.request(), stream: stream))
                #expect(try await eventually { Observed(peer).endedStreams.contains(stream) })
            }
            let blocks = Frame.parse(peer.received).filter { $0.type == 1 }.map(\.payload)
            #expect(blocks.first?.first == 0x20)
            // With nothing kept, the second response costs as much as the first, but for the announcement.
            #expect(blocks.map(\.count) == [(blocks.last?.count ?? 0) + 1, blocks.last?.count])
            await peer.close()
        }
    }
}
