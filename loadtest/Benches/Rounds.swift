import Foundation

/// What several rounds of one measurement gave.
struct Rounds {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) {
        values.append(value)
    }

    /// At least one value has been added.
    var median: Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    var least: Double { values.min() ?? .nan }
    var greatest: Double { values.max() ?? .nan }

    /// Of the rounds, how much the greatest is above the least, as a part of the median; one round tells none.
    var relativeSpread: Double { values.count > 1 ? (greatest - least) / median : .infinity }

    /// Spread and number of rounds, as further fields of a result.
    func spread(_ name: String) -> [(name: String, value: Double)] {
        [("\(name)Min", least), ("\(name)Max", greatest)]
    }

    /// Wall time of `body` in seconds.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return Rounds.seconds(since: start)
    }

    static func seconds(since start: ContinuousClock.Instant) -> Double {
        let elapsed = (ContinuousClock.now - start).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }
}
