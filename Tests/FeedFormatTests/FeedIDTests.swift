import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct FeedIDTests {
    @Test func orderedByRegionThenEpoch() throws {
        let feeds = try [("DE", 9), ("VN-01", 1), ("VN-01", 2), ("VN-01-001", 0), ("VN-02", 0)].map {
            FeedID(region: try Samples.region($0.0), epoch: Epoch($0.1))
        }
        var generator = SplitMix64(seed: 14)
        #expect(feeds.shuffled(using: &generator).sorted() == feeds)
        #expect(feeds[1].description == "VN-01/0000000000000001")
    }
}
