/// Which roster follows which. docs/FEED-FORMAT.md, "Roster".
extension Roster {
    /// What another roster is to whoever holds this one. Both were verified.
    public enum Succession: Hashable, Sendable {
        /// A later version that names this one: to be taken, unless it has expired.
        case newer
        case same
        /// An earlier version that this one names, or is too old to be named.
        case older
        /// Authorities have signed two texts of one version: to be refused, and a matter for people.
        case fork
        /// A later version, so far ahead that it does not name this one: nobody can say whether it follows.
        case tooFarAhead
    }

    /// - Parameter other: a roster signed under the same authorities.
    public func succession(of other: Roster) -> Succession {
        if other.version == version { return other.hash == hash ? .same : .fork }
        let (later, sooner) = other.version > version ? (other, self) : (self, other)
        guard let named = later.hash(ofVersion: sooner.version) else {
            return other.version > version ? .tooFarAhead : .older
        }
        guard named == sooner.hash else { return .fork }
        return other.version > version ? .newer : .older
    }

    /// Hash of this version or one of those that it names; nil for others.
    public func hash(ofVersion number: UInt64) -> Hash256? {
        guard number <= version else { return nil }
        switch version - number {
        case 0: return hash
        case 1: return previous
        case let distance: return distance - 2 < UInt64(earlier.count) ? earlier[Int(distance - 2)] : nil
        }
    }

    /// A roster with the next version number that names this one and all that it can of those before.
    /// - Returns: nil if regions or times are ones that `Roster.init` does not take.
    public func next(issued: Int64, expires: Int64, regions: [RosterRegion]) -> Roster? {
        guard version < UInt64(Int64.max) else { return nil }
        let named = [previous].compactMap { $0 } + earlier
        return Roster(
            version: version + 1,
            previous: hash,
            earlier: Array(named.prefix(Roster.earlierCount(version: version + 1))),
            issued: issued,
            expires: expires,
            regions: regions
        )
    }
}

/// A roster that was verified, with its signed bytes: what nodes and phones hold and give to others.
public struct SignedRoster: Sendable {
    public let roster: Roster
    /// The signed note.
    public let bytes: [UInt8]

    /// Verifies a roster, whether it has expired or not; see `Roster.init(_:authorities:threshold:now:)`.
    public init(_ bytes: [UInt8], authorities: RosterAuthorities) throws(FormatError) {
        roster = try Roster(bytes[...], authorities: authorities, now: .min)
        self.bytes = bytes
    }

    /// Whether `other` is to be taken instead of this one.
    /// - Parameter now: unix seconds.
    /// - Returns: true for a newer one; false for the same or an older one.
    /// - Throws: `.forkedRoster`, `.unconnectedRoster` or `.expired` for one that is to be refused.
    public func isFollowed(by other: SignedRoster, now: Int64) throws(FormatError) -> Bool {
        let (held, given) = (roster.version, other.roster.version)
        switch roster.succession(of: other.roster) {
        case .same, .older: return false
        case .newer:
            try other.roster.checkExpiry(now: now)
            return true
        case .fork:
            throw FormatError(
                .forkedRoster,
                "roster version \(given) and version \(held), held here, contradict each other, though authorities signed"
                    + " both; keep both and tell the authorities"
            )
        case .tooFarAhead:
            throw FormatError(
                .unconnectedRoster,
                "roster version \(given) does not name version \(held), held here, since it is more than"
                    + " \(FormatLimits.earlierRosters) versions ahead; install it by hand"
            )
        }
    }
}
