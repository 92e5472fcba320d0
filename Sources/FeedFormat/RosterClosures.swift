public import ExposureKeys

/// What closed keys mean for feeds. docs/FEED-FORMAT.md, "Closed keys".
extension RosterRegion {
    /// The state at which an epoch of this region ends, since it stands under a closed key; nil if none names it.
    public func standing(of epoch: Epoch) -> Closure.Standing? {
        for closure in closures {
            if let standing = closure.standing(of: epoch) { return standing }
        }
        return nil
    }

    /// The closed keys as keys of any time. Only to recognise what they have signed, or for checkpoints of content that
    /// is proven otherwise: to count, a signature must be by one of `keys`.
    public var closedKeys: [Key] {
        closures.map { Key(verifier: $0.key, notBefore: .min, notAfter: .max) }
    }

    /// Whether a checkpoint of one of this region's feeds is signed by a closed key and by no other.
    public func isClosed(_ checkpoint: ArraySlice<UInt8>, of epoch: Epoch) -> Bool {
        guard !closures.isEmpty else { return false }
        return !isSigned(checkpoint, epoch, keys) && isSigned(checkpoint, epoch, closedKeys)
    }

    private func isSigned(_ checkpoint: ArraySlice<UInt8>, _ epoch: Epoch, _ keys: [Key]) -> Bool {
        (try? SignedCheckpoint(checkpoint, region: id, epoch: epoch, keys: keys)) != nil
    }

    /// What becomes of a feed that somebody holds.
    public enum Verdict: Equatable, Sendable {
        /// All of it counts.
        case stands
        /// Only its first batches count, fewer than are held.
        case ends(at: UInt64)
        /// Nothing of it counts, or nothing that is held shows that it does; what stands of it is to be fetched anew.
        case falls
    }

    /// Judges a feed of this region.
    /// - Parameters:
    ///   - base: frontier before the first leaf known.
    ///   - leaves: leaf hashes from there on.
    ///   - newest: checkpoint of the last batch; nil if that is dropped.
    public func verdict(
        on epoch: Epoch,
        base: Frontier,
        leaves: some Sequence<Hash256>,
        newest: [UInt8]?
    ) -> Verdict {
        guard !closures.isEmpty else { return .stands }
        guard let standing = standing(of: epoch) else {
            // Of a feed whose batches are all dropped nothing is left that could count.
            guard let newest else { return .stands }
            return isSigned(newest[...], epoch, keys) ? .stands : .falls
        }
        var frontier = base
        var hasMore = false
        for leaf in leaves {
            if frontier.size == standing.size {
                hasMore = true
                break
            }
            frontier.append(leaf)
        }
        guard base.size < standing.size, frontier.size == standing.size, frontier.root == standing.root else {
            return .falls
        }
        return hasMore ? .ends(at: standing.size) : .stands
    }
}

extension Roster {
    /// Reads a roster that was verified before it was stored, without its authorities' keys; whether it has expired does
    /// not matter.
    public init(verified bytes: ArraySlice<UInt8>) throws(FormatError) {
        var parser = RosterParser(try SignedNote(bytes, limit: FormatLimits.rosterBytes).text)
        self = try parser.roster()
    }

    /// The regions that a region has taken over, ascending.
    public func predecessors(of region: Region) -> [Region] {
        regions.filter { $0.successor == region }.map(\.id)
    }
}

/// The leaf hashes of a part of a feed that the roster itself vouches for: they lead to a root that stands. Each batch
/// is proven by its hash alone, whoever signed what.
public struct StandingLeaves: Sendable {
    public let standing: RosterRegion.Closure.Standing
    /// Number of the first leaf.
    public let start: UInt64
    private let leaves: [Hash256]

    /// - Parameters:
    ///   - frontier: before the first of `leaves`; whoever gave it, it is proven with them.
    /// - Returns: nil unless they lead to the root that stands.
    public init?(_ standing: RosterRegion.Closure.Standing, after frontier: Frontier, leaves: [Hash256]) {
        guard frontier.size < standing.size, UInt64(leaves.count) == standing.size - frontier.size else { return nil }
        var end = frontier
        for leaf in leaves { end.append(leaf) }
        guard end.root == standing.root else { return nil }
        self.standing = standing
        self.leaves = leaves
        start = frontier.size
    }

    /// The hash of the batch with this number; nil outside [start, size).
    public subscript(number: UInt64) -> Hash256? {
        guard start <= number, number < standing.size else { return nil }
        return leaves[Int(number - start)]
    }

    public func contains(_ batch: ArraySlice<UInt8>, at number: UInt64) -> Bool {
        self[number] == Hash256(leaf: batch)
    }
}
