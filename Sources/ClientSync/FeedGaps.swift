/// Which batches of a feed a phone lacks below a number: maximal runs of numbers, ascending.
package struct FeedGaps: Equatable {
    package private(set) var runs: [Range<UInt64>] = []

    /// - Parameters:
    ///   - end: all below it are held or lacking.
    ///   - held: ascending, below `end`.
    package init(below end: UInt64, without held: [UInt64]) {
        var next: UInt64 = 0
        for number in held {
            if number > next { runs.append(next..<number) }
            next = number + 1
        }
        if next < end { runs.append(next..<end) }
    }

    /// Where no more is lacking; 0 if nothing is.
    package var end: UInt64 { runs.last?.upperBound ?? 0 }

    /// What is lacking from a number on.
    package func from(_ start: UInt64) -> [Range<UInt64>] {
        runs.filter { $0.upperBound > start }.map { max($0.lowerBound, start)..<$0.upperBound }
    }

    package mutating func remove(_ numbers: Range<UInt64>) {
        guard !numbers.isEmpty else { return }
        runs = runs.flatMap { run in
            let before = run.lowerBound..<max(run.lowerBound, min(run.upperBound, numbers.lowerBound))
            let after = min(run.upperBound, max(run.lowerBound, numbers.upperBound))..<run.upperBound
            return [before, after].filter { !$0.isEmpty }
        }
    }
}
