import ClientSync
import TestSupport
import Testing

/// Against sets of numbers.
@Suite struct FeedGapsTests {
    private func numbers(_ runs: [Range<UInt64>]) -> Set<UInt64> { Set(runs.flatMap { $0 }) }

    @Test(arguments: 1...200 as ClosedRange<UInt64>) func theyAreWhatIsNotHeld(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let end = UInt64.random(in: 0...24, using: &random)
        let held = (0..<end).filter { _ in Bool.random(using: &random) }
        var gaps = FeedGaps(below: end, without: held)
        var lacking = Set(0..<end).subtracting(held)
        for _ in 0..<4 {
            #expect(numbers(gaps.runs) == lacking)
            #expect(
                gaps.runs == gaps.runs.sorted { $0.lowerBound < $1.lowerBound } && !gaps.runs.contains { $0.isEmpty }
            )
            #expect(zip(gaps.runs, gaps.runs.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            #expect(gaps.end == lacking.max().map { $0 + 1 } ?? 0)
            let start = UInt64.random(in: 0...26, using: &random)
            #expect(numbers(gaps.from(start)) == lacking.filter { $0 >= start })
            let taken = start..<UInt64.random(in: start...30, using: &random)
            gaps.remove(taken)
            lacking.subtract(taken)
        }
    }
}
