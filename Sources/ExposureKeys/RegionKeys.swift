/// The merged state of one region: every key that the region has published, each with the report that stands.
///
/// A join semilattice: `join` is associative, commutative and idempotent, so batches may arrive in any order and any
/// number of times. Kept as one array sorted by identity, which is compact (32 bytes a key), has one order in every
/// process, and merges in a single pass.
public struct RegionKeys: Equatable, Sendable {
    /// All keys, revoked ones included, strictly ascending by identity.
    public private(set) var keys: [DiagnosisKey]

    /// The empty state, neutral for `join`.
    public init() {
        keys = []
    }

    /// The join of single reports in any order, duplicates allowed.
    public init(joining reports: [DiagnosisKey]) {
        if RegionKeys.isStrictlyAscending(reports) {
            keys = reports
            return
        }
        let sorted = reports.sorted { $0.identity < $1.identity }
        var result: [DiagnosisKey] = []
        result.reserveCapacity(sorted.count)
        for key in sorted {
            if let last = result.last, last.identity == key.identity {
                result[result.count - 1] = DiagnosisKey.join(last, key)
            } else {
                result.append(key)
            }
        }
        keys = result
    }

    public var count: Int { keys.count }

    /// Takes in another state of the same region.
    public mutating func join(_ other: RegionKeys) {
        if other.keys.isEmpty { return }
        if keys.isEmpty {
            keys = other.keys
            return
        }
        var result: [DiagnosisKey] = []
        result.reserveCapacity(keys.count + other.keys.count)
        var ours = keys.startIndex
        var theirs = other.keys.startIndex
        while ours < keys.endIndex, theirs < other.keys.endIndex {
            let left = keys[ours]
            let right = other.keys[theirs]
            if left.identity == right.identity {
                result.append(DiagnosisKey.join(left, right))
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
        result.append(contentsOf: keys[ours...])
        result.append(contentsOf: other.keys[theirs...])
        keys = result
    }

    /// These keys, each with the report that stands when another region's reports on the same keys count, too: those of
    /// the region that has taken this one over. Keys that only the other has are not added.
    public func revised(by other: RegionKeys) -> RegionKeys {
        var result = self
        var position = other.keys.startIndex
        for (place, key) in keys.enumerated() {
            while position < other.keys.endIndex, other.keys[position].identity < key.identity { position += 1 }
            guard position < other.keys.endIndex else { break }
            if other.keys[position].identity == key.identity {
                result.keys[place] = DiagnosisKey.join(key, other.keys[position])
            }
        }
        return result
    }

    /// The part of `other` that would change this state: new identities and reports that outrank ours.
    public func news(in other: RegionKeys) -> [DiagnosisKey] {
        if keys.isEmpty { return other.keys }
        var result: [DiagnosisKey] = []
        var position = keys.startIndex
        for key in other.keys {
            while position < keys.endIndex, keys[position].identity < key.identity { position += 1 }
            if position < keys.endIndex, keys[position].identity == key.identity,
                DiagnosisKey.join(keys[position], key) == keys[position]
            {
                continue
            }
            result.append(key)
        }
        return result
    }

    /// Keys that matter at `now`: not revoked, ended less than 14 days ago.
    public func live(at now: Interval) -> [DiagnosisKey] {
        current(at: now).filter { $0.metadata.reportType != .revoked }
    }

    /// Keys that ended less than 14 days before `now`, revoked ones included.
    public func current(at now: Interval) -> [DiagnosisKey] {
        keys.filter { Expiry.isLive(keyEnding: $0.metadata.end, now: now) }
    }

    private static func isStrictlyAscending(_ keys: [DiagnosisKey]) -> Bool {
        zip(keys, keys.dropFirst()).allSatisfy { $0.identity < $1.identity }
    }
}
