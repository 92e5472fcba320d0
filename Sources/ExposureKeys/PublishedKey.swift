/// What regions publish of an ill person's phone for a stretch of time, as far as merging and expiry must know it.
public protocol PublishedKey: Hashable, Sendable {
    /// What two reports of the same key have in common.
    associatedtype Identity: Hashable, Comparable, Sendable

    /// Everything that is said about the key besides its bytes.
    var metadata: KeyMetadata { get }
    var identity: Identity { get }

    /// Which of two reports of one identity stands. Associative, commutative and idempotent.
    static func join(_ left: Self, _ right: Self) -> Self
}

extension DiagnosisKey: PublishedKey {}

/// Reports as a region's state keeps them: strictly ascending by identity. Not public, so that the compiler makes a form
/// of each of these for each sort of key.
extension Array where Element: PublishedKey {
    /// The join of single reports in any order, duplicates allowed.
    func joinedReports() -> [Element] {
        if zip(self, dropFirst()).allSatisfy({ $0.identity < $1.identity }) { return self }
        var result: [Element] = []
        result.reserveCapacity(count)
        for key in sorted(by: { $0.identity < $1.identity }) {
            if let last = result.last, last.identity == key.identity {
                result[result.count - 1] = Element.join(last, key)
            } else {
                result.append(key)
            }
        }
        return result
    }

    /// The join of two states.
    func joined(withState other: [Element]) -> [Element] {
        if other.isEmpty { return self }
        if isEmpty { return other }
        var result: [Element] = []
        result.reserveCapacity(count + other.count)
        var ours = startIndex
        var theirs = other.startIndex
        while ours < endIndex, theirs < other.endIndex {
            let left = self[ours]
            let right = other[theirs]
            if left.identity == right.identity {
                result.append(Element.join(left, right))
                ours += 1
                theirs += 1
            } else if left.identity < right.identity {
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

    /// These keys, each joined with what the other state says of it.
    func revised(byState other: [Element]) -> [Element] {
        var result = self
        var position = other.startIndex
        for (place, key) in enumerated() {
            while position < other.endIndex, other[position].identity < key.identity { position += 1 }
            guard position < other.endIndex else { break }
            if other[position].identity == key.identity { result[place] = Element.join(key, other[position]) }
        }
        return result
    }

    /// The part of the other state that would change this one.
    func news(inState other: [Element]) -> [Element] {
        if isEmpty { return other }
        var result: [Element] = []
        var position = startIndex
        for key in other {
            while position < endIndex, self[position].identity < key.identity { position += 1 }
            if position < endIndex, self[position].identity == key.identity,
                Element.join(self[position], key) == self[position]
            {
                continue
            }
            result.append(key)
        }
        return result
    }
}

extension KeyMetadata {
    /// Whether the key matters at `now`: not revoked, ended less than 14 days ago.
    func isLive(at now: Interval) -> Bool { reportType != .revoked && Expiry.isLive(keyEnding: end, now: now) }
}
