import ExposureKeys
import FeedFormat
import FeedStore
import RegionalNode
import Testing

@Suite struct ServedFeedTests {
    @Test(arguments: [0, 1, 700])
    func frontiersAreThoseOfTheLeaves(before: Int) throws {
        let leaves = (0..<3100).map { Hash256(leaf: [UInt8($0 % 251), UInt8($0 / 251)]) }
        let region = try #require(Region("VN-01"))
        let feed = ServedFeed(
            StoredFeed(
                feed: FeedID(region: region, epoch: Epoch(3)),
                base: Frontier(leaves: leaves.prefix(before)),
                leaves: Array(leaves.dropFirst(before)),
                first: UInt64(before),
                bytes: 0,
                lastPublication: Interval(0)
            )
        )
        for place in [0, 1, 2, 1000, 1023, 1024, 1025, 2047, 2048, 2400] {
            let size = before + place
            #expect(feed.frontier(at: UInt64(size)) == Frontier(leaves: leaves.prefix(size)), "\(size)")
        }
        #expect(feed.frontier(at: 3100) == Frontier(leaves: leaves))
        #expect(feed.frontier(at: 3101) == nil)
        #expect(before == 0 || feed.frontier(at: UInt64(before - 1)) == nil)
    }
}
