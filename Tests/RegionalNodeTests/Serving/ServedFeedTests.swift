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

    /// Its checkpoint is what the node can show others, and may not be of fewer batches than they speak of.
    @Test func theNewestWholeBatch() throws {
        let region = try #require(Region("VN-01"))
        let stored = StoredFeed(
            feed: FeedID(region: region, epoch: Epoch(3)),
            base: Frontier(),
            leaves: (0..<10).map { Hash256(leaf: [$0]) },
            first: 3,
            bytes: 0,
            lastPublication: Interval(0)
        )
        let cases: [(damaged: [UInt64], size: UInt64, newest: UInt64?)] = [
            ([], 0, 9), ([], 10, 9), ([9], 0, 8), ([9], 9, 8), ([9], 10, nil), ([7, 8, 9], 8, nil), ([7, 8, 9], 7, 6),
            ([3, 4, 5, 6, 7, 8, 9], 0, nil),
        ]
        for (damaged, size, newest) in cases {
            #expect(ServedFeed(stored, damaged: damaged).newestWhole(from: size) == newest, "\(damaged) \(size)")
        }
    }
}
