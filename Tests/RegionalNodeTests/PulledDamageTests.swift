import ExposureKeys
import FeedFormat
import HTTP2
import NIOCore
import RegionalNode
import Replication
import TestSupport
import Testing

/// What a node pushes to a neighbour that asks over its link.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PulledDamageTests {
    /// Numbers of the batches that a node pushes, in order, until `last` is among them.
    private func pull(
        _ feed: FeedID,
        from starts: [UInt64],
        until last: UInt64,
        as region: Region,
        port: Int
    ) async throws -> [UInt64] {
        let connection = try await TestNode.connect(.tcp("127.0.0.1", port))
        let stream = try await connection.open(RequestHead(method: "POST", path: "/v1/link"))
        guard try await stream.response().status == 200 else { throw TestFailure("no link") }
        func send(_ frame: LinkFrame) async throws { try await stream.write(ByteBuffer(bytes: frame.encoded())) }
        try await send(.hello(LinkFrame.Hello(region: region)))
        try await send(.pull(feed, from: starts[0]))
        var numbers: [UInt64] = []
        var next = 1
        var decoder = LinkFrameDecoder()
        for try await bytes in stream.body {
            decoder.append(bytes.readableBytesView)
            while let frame = try decoder.next() {
                guard case .batch(let pushed) = frame else { continue }
                numbers.append(try Batch(pushed.bytes).number)
                // One answer at a time: the next question follows on the first batch of the answer before.
                if next < starts.count {
                    try await send(.pull(feed, from: starts[next]))
                    next += 1
                }
            }
            if numbers.contains(last) { break }
        }
        stream.reset()
        await connection.close()
        return numbers
    }

    @Test func aBatchWhoseCheckpointIsDamagedIsNotPushed() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            var name = ""
            for _ in 0..<8 {
                name = try await nodes[0].publish(try nodes.country.archive(patients: 5), of: nodes.country).feed ?? ""
            }
            #expect(try await nodes.converge(0, 1))
            let (_, range) = try await nodes[0].get("/v1/feeds/\(name)/0/5")
            for number in 0..<2 { try await nodes.stop(number) }
            // The signature is the end of the range.
            let file = StoreFile(path: nodes.country.scratch.file("VN-48.store"))
            try file.flip(Array(Array(range.readableBytesView).suffix(60)), at: 20)

            let node = try await nodes.start(1)
            let (first, second) = (nodes.country.regions[0], nodes.country.peerPorts[1])
            let epoch = try #require(Epoch(hexadecimal: name.suffix(16)))
            let feed = FeedID(region: first, epoch: epoch)
            let numbers = try await pull(feed, from: [3, 6], until: 7, as: first, port: second)
            #expect(numbers == [3, 4, 6, 7])
            #expect(try await eventually { try await node.status().feeds.map(\.damaged) == [[5]] })
        }
    }
}
