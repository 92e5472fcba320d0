import HTTP2
import ExposureKeys
import NIOCore
import RegionalNode
import Testing

@Suite struct RangeCacheTests {
    private let cache = RangeCache(limit: 1000)

    private func insert(_ name: String, bytes: Int, fill: UInt8 = 0, generation: UInt64 = 0) {
        let body = ByteBuffer(repeating: fill, count: bytes)
        cache.insert(body, publication: Interval(7), path: name, generation: generation)
    }

    private func find(_ name: String, generation: UInt64 = 0) -> RangeCache.Entry? {
        cache.find(Array(name.utf8).span, generation: generation)
    }

    @Test func theOldestLeaveWhenTheLimitIsReached() throws {
        for number in 10..<30 { insert("\(number)", bytes: 62, fill: UInt8(number)) }
        // A buffer of 62 bytes takes 64, and its path two.
        #expect((10..<30).filter { find("\($0)") != nil } == Array(15..<30))
        let last = try #require(find("29"))
        #expect(last.body.getBytes(at: 0, length: 1) == [29] && last.publication == Interval(7))
        #expect(last.head.head.fields["content-length"] == "62")
        // One that would push out much of the rest is not kept.
        insert("99", bytes: 500)
        #expect(find("99") == nil)
        // The same again takes no room.
        for _ in 0..<50 { insert("29", bytes: 62) }
        #expect(find("20") != nil)
    }

    @Test func nothingOutlivesADrop() {
        insert("a", bytes: 10)
        #expect(find("a") != nil)
        #expect(find("a", generation: 1) == nil)
        // Read before the drop, finished after it.
        insert("b", bytes: 10, generation: 0)
        #expect(find("b", generation: 1) == nil)
        insert("b", bytes: 10, generation: 1)
        #expect(find("b", generation: 1) != nil)
    }
}
