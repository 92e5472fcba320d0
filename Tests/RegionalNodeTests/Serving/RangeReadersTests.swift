import HTTP2
import NIOPosix
import RegionalNode
import Testing
import TestSupport

@Suite(.serialized, .timeLimit(.minutes(2))) struct RangeReadersTests {
    @Test func halfOfThePlacesAreForOneClient() {
        let readers = RangeReaders(limit: 4)
        var places = [readers.enter(1), readers.enter(1)]
        #expect(places.allSatisfy { $0 != nil })
        #expect(readers.enter(1) == nil)
        places += [readers.enter(2), readers.enter(nil)]
        #expect(places.allSatisfy { $0 != nil })
        #expect(readers.enter(3) == nil)
        #expect(readers.enter(nil) == nil)
        places[0]?.leave()
        places[0]?.leave()
        #expect(readers.enter(2) != nil)
        places = []
        let all = (0..<4).map { readers.enter($0) }
        #expect(all.allSatisfy { $0 != nil })
    }

    /// Ranges of the first 64 batches, of any size.
    private static func paths(_ feed: String) -> [String] {
        (0...6).flatMap { level in (0..<(64 >> level)).map { "/v1/feeds/\(feed)/\(level)/\($0)" } }
    }

    @Test func unreadRangesKeepNobodyFromReading() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            var feed = ""
            for _ in 0..<70 {
                feed = try await node.publish(try nodes.country.archive(patients: 5), of: nodes.country).feed ?? ""
            }
            var configuration = ClientConfiguration()
            configuration.streamWindow = 1
            var held: [ClientStream] = []
            var connections: [HTTPConnection] = []
            let paths = RangeReadersTests.paths(feed) + (64..<68).map { "/v1/feeds/\(feed)/0/\($0)" }
            for half in [paths.prefix(66), paths.dropFirst(66)] {
                let connection = try await HTTPConnection.connect(
                    to: .tcp("127.0.0.1", node.addresses.publicPort),
                    configuration: configuration,
                    group: MultiThreadedEventLoopGroup.singleton,
                    logger: TestNode.silent
                )
                connections.append(connection)
                for path in half {
                    let stream = try await connection.open(RequestHead(method: "GET", path: path))
                    try await stream.finish()
                    #expect(try await stream.response().status == 200)
                    held.append(stream)
                }
            }
            #expect(held.count > 128)
            #expect(try await node.get("/v1/feeds/\(feed)/0/69").0.status == 200)
            for connection in connections { await connection.close() }
        }
    }
}
