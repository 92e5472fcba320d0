import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct FeedRangeTests {
    @Test func bounds() throws {
        let range = try #require(FeedRange(level: 3, index: 5))
        #expect((range.lowerBound, range.upperBound, range.count) == (40, 48, 8))
        #expect(FeedRange(level: 0, index: 131_071)?.upperBound == 131_072)
        #expect(FeedRange(level: 17, index: 0)?.count == 131_072)
        #expect(FeedRange(level: 0, index: 131_072) == nil)
        #expect(FeedRange(level: 17, index: 1) == nil)
        #expect(FeedRange(level: 18, index: 0) == nil)
        #expect(FeedRange(level: -1, index: 0) == nil)
        #expect(FeedRange(level: 3, index: .max) == nil)
    }

    /// Fewest aligned ranges of [lower, upper), by trying every first range.
    private func fewest(_ lower: UInt64, _ upper: UInt64, level maximum: Int, memo: inout [UInt64: Int]) -> Int {
        if lower == upper { return 0 }
        if let known = memo[lower] { return known }
        var best = Int.max
        for level in 0...maximum where lower % (1 << UInt64(level)) == 0 && lower + (1 << UInt64(level)) <= upper {
            best = min(best, 1 + fewest(lower + (1 << UInt64(level)), upper, level: maximum, memo: &memo))
        }
        memo[lower] = best
        return best
    }

    @Test(arguments: [0, 1, 3, 17])
    func coversExactlyAndWithTheFewestRanges(maximumLevel: Int) {
        for upper: UInt64 in 0...40 {
            var memo: [UInt64: Int] = [:]
            for lower in 0...upper {
                let ranges = FeedRange.covering(from: lower, to: upper, maximumLevel: maximumLevel)
                #expect(ranges.flatMap { $0.lowerBound..<$0.upperBound } == Array(lower..<upper))
                #expect(ranges.allSatisfy { $0.level <= maximumLevel })
                #expect(ranges.count == fewest(lower, upper, level: min(maximumLevel, 6), memo: &memo))
            }
        }
    }

    @Test func coversLargeSpans() {
        var generator = SplitMix64(seed: 13)
        for _ in 0..<500 {
            let bounds = [
                UInt64.random(in: 0...131_072, using: &generator), .random(in: 0...131_072, using: &generator),
            ]
            .sorted()
            let ranges = FeedRange.covering(from: bounds[0], to: bounds[1])
            #expect(ranges.count <= 34)
            #expect(ranges.first?.lowerBound == (bounds[0] == bounds[1] ? nil : bounds[0]))
            #expect(ranges.last?.upperBound == (bounds[0] == bounds[1] ? nil : bounds[1]))
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        }
        #expect(FeedRange.covering(from: 0, to: 131_072).map(\.level) == [17])
    }

    @Test func neverReachesBeyondAFeed() {
        #expect(FeedRange.covering(from: 131_070, to: .max).last?.upperBound == 131_072)
        #expect(FeedRange.covering(from: 0, to: .max).map(\.level) == [17])
        #expect(FeedRange.covering(from: .max, to: .max).isEmpty)
        #expect(FeedRange.covering(from: 9, to: 3).isEmpty)
        #expect(FeedRange.covering(from: 0, to: 3, maximumLevel: -5).map(\.level) == [0, 0, 0])
    }

    @Test func splitsABody() throws {
        let batches = try Samples.batches(4)
        let note = try Samples.checkpoint(batches).bytes
        let range = try #require(FeedRange(level: 2, index: 0))
        let bytes = batches.flatMap(\.bytes) + note
        let body = try RangeBody(bytes[...], range: range)
        #expect(body.batches.map { Array($0) } == batches.map(\.bytes))
        #expect(Array(body.checkpoint) == note)
        let shifted = [7] + bytes
        #expect(try RangeBody(shifted[1...], range: range).batches.map { Array($0) } == batches.map(\.bytes))
    }

    @Test func malformedBodies() throws {
        let batches = try Samples.batches(2)
        let note = try Samples.checkpoint(batches).bytes
        let range = try #require(FeedRange(level: 1, index: 0))
        let bytes = batches.flatMap(\.bytes)
        for length in 0..<bytes.count {
            let error = #expect(throws: FormatError.self) { try RangeBody(bytes[..<length], range: range) }
            #expect(error?.code == .truncated || error?.code == .lyingLength)
        }
        #expect(throws: FormatError.with(.trailingBytes)) {
            try RangeBody((bytes + [UInt8](repeating: 0x20, count: 1025))[...], range: range)
        }
        #expect(try RangeBody((bytes + [UInt8](repeating: 0x20, count: 1024))[...], range: range).batches.count == 2)
        let wider = try #require(FeedRange(level: 2, index: 0))
        #expect(throws: FormatError.with(.unknownFormat)) { try RangeBody((bytes + note)[...], range: wider) }
        let widest = try #require(FeedRange(level: 17, index: 0))
        #expect(throws: FormatError.with(.truncated)) { try RangeBody(bytes[...], range: widest) }
    }
}
