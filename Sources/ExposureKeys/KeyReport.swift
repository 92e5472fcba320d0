/// A key as a region published it, and when: what a region's merged state keeps of each key.
///
/// Reports of one identity are totally ordered, so that their join, the higher of two, is associative, commutative and
/// idempotent:
///
/// 1. The higher report type wins whole: a confirmed test replaces a self-report, a revocation replaces everything.
/// 2. Of two with the same type the one with the later publication interval wins: a region corrects what it said before.
/// 3. Of two with both alike the larger packed metadata win, so that no order of arrival decides.
///
/// Source: docs/FEED-FORMAT.md, "Merging".
public struct KeyReport<Key: PublishedKey>: Hashable, Sendable {
    public let key: Key
    /// Publication interval of the batch that carried the report.
    public let publication: Interval

    public init(_ key: Key, publication: Interval) {
        self.key = key
        self.publication = publication
    }

    /// Whether the other report of the same identity takes this one's place.
    func yields(to other: KeyReport) -> Bool {
        let (own, others) = (key.metadata, other.key.metadata)
        if own.reportType != others.reportType { return own.reportType < others.reportType }
        if publication != other.publication { return publication < other.publication }
        return own < others
    }

    /// Which of two reports of one identity stands.
    public static func join(_ left: KeyReport, _ right: KeyReport) -> KeyReport {
        left.yields(to: right) ? right : left
    }
}

/// Reports as a region's state keeps them: strictly ascending by identity. Not public, so that the compiler makes a form
/// of each of these for each sort of key.
extension Array {
    /// The join of single reports in any order, duplicates allowed.
    func joinedReports<Key>() -> [KeyReport<Key>] where Element == KeyReport<Key> {
        if zip(self, dropFirst()).allSatisfy({ $0.key.identity < $1.key.identity }) { return self }
        var result: [Element] = []
        result.reserveCapacity(count)
        for report in sorted(by: { $0.key.identity < $1.key.identity }) {
            if let last = result.last, last.key.identity == report.key.identity {
                result[result.count - 1] = Element.join(last, report)
            } else {
                result.append(report)
            }
        }
        return result
    }

    /// The join of two states.
    func joined<Key>(withState other: [KeyReport<Key>]) -> [KeyReport<Key>] where Element == KeyReport<Key> {
        if other.isEmpty { return self }
        if isEmpty { return other }
        var result: [Element] = []
        result.reserveCapacity(count + other.count)
        var ours = startIndex
        var theirs = other.startIndex
        while ours < endIndex, theirs < other.endIndex {
            let left = self[ours]
            let right = other[theirs]
            if left.key.identity == right.key.identity {
                result.append(Element.join(left, right))
                ours += 1
                theirs += 1
            } else if left.key.identity < right.key.identity {
                result.append(left)
                ours += 1
            } else {
                result.append(right)
                theirs += 1
            }
        }
        result.append(contentsOf: self[ours...])
        result.append(contentsOf: other[theirs...])
        return result
    }

    /// The part of the other state that says something else than this one and would stand.
    func news<Key>(inState other: [KeyReport<Key>]) -> [KeyReport<Key>] where Element == KeyReport<Key> {
        if isEmpty { return other }
        var result: [Element] = []
        var position = startIndex
        for report in other {
            while position < endIndex, self[position].key.identity < report.key.identity { position += 1 }
            if position < endIndex, self[position].key.identity == report.key.identity {
                let standing = self[position]
                if standing.key == report.key || !standing.yields(to: report) { continue }
            }
            result.append(report)
        }
        return result
    }

    /// Of forms of which both states say something different, what does not stand when they are joined.
    func losers<Key>(joiningState other: [KeyReport<Key>]) -> [Key] where Element == KeyReport<Key> {
        var result: [Key] = []
        var position = startIndex
        for report in other {
            while position < endIndex, self[position].key.identity < report.key.identity { position += 1 }
            guard position < endIndex else { break }
            let ours = self[position]
            guard ours.key.identity == report.key.identity, ours.key != report.key else { continue }
            result.append(ours.yields(to: report) ? ours.key : report.key)
        }
        return result
    }

    /// Position of the first report whose identity is not below the given one.
    func firstPosition<Key>(notBelow identity: Key.Identity) -> Int where Element == KeyReport<Key> {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].key.identity < identity { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
