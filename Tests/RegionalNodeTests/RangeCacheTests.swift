import ExposureKeys
import FeedFormat
import NIOCore
import RegionalNode
import Testing

@Suite struct RangeCacheTests {
    @Test func theOldestLeaveWhenTheLimitIsReached() throws {
        let feed = FeedID(region: try #require(Region("VN-01")), epoch: Epoch(1))
        let cache = RangeCache(limit: 1000)
        func range(_ index: UInt64) throws -> FeedRange { try #require(FeedRange(level: 0, index: index)) }
        for index in 0..<20 {
            cache.insert(ByteBuffer(repeating: UInt8(index), count: 100), feed, try range(UInt64(index)))
        }
        let held = try (0..<20).filter { cache[feed, try range(UInt64($0))] != nil }
        #expect(held == Array(10..<20))
        #expect(cache[feed, try range(19)]?.getBytes(at: 0, length: 1) == [19])
        // One that would push out much of the rest is not kept.
        cache.insert(ByteBuffer(repeating: 0, count: 500), feed, try range(99))
        #expect(cache[feed, try range(99)] == nil)
        // The same again takes no room.
        for _ in 0..<50 { cache.insert(ByteBuffer(repeating: 19, count: 100), feed, try range(19)) }
        #expect(cache[feed, try range(10)] != nil)
    }
}
