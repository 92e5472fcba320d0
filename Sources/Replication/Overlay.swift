public import ExposureKeys
public import FeedFormat

/// Whom a node links with: the ring of all regions that keeps everyone reachable, its nearest neighbours for speed, and
/// two drawn by hash, which make short cuts across the country. A link is there if either end wants it.
public struct Overlay: Sendable {
    private let roster: Roster
    /// How many of the nearest, and how many by hash.
    private let nearest: Int
    private let drawn: Int

    public init(roster: Roster, nearest: Int = 3, drawn: Int = 2) {
        self.roster = roster
        self.nearest = nearest
        self.drawn = drawn
    }

    /// - Parameters:
    ///   - id: this node's region.
    ///   - roundTrip: to a region's node, in any unit; nil if it is not known.
    /// - Returns: ascending, without this region.
    public func neighbours(of id: Region, roundTrip: (Region) -> Int64?) -> [Region] {
        var chosen = roster.neighbours(of: id)
        guard roster.region(id)?.successor == nil else { return chosen }
        let others = roster.regions.filter { $0.successor == nil && $0.id != id }.map(\.id)
        let near = others.compactMap { other in roundTrip(other).map { (time: $0, region: other) } }
        chosen += near.sorted { ($0.time, $0.region) < ($1.time, $1.region) }.prefix(nearest).map(\.region)
        // Rendezvous hashing: each pair has a number that both ends compute, so what is drawn changes little with the
        // roster.
        let ranked = others.map { (rank: Overlay.rank(id, $0), region: $0) }
        chosen += ranked.sorted { ($0.rank, $0.region) < ($1.rank, $1.region) }.prefix(drawn).map(\.region)
        let sorted = chosen.sorted()
        return zip(sorted, sorted.dropFirst().map { $0 as Region? } + [nil]).filter { $0 != $1 }.map(\.0)
    }

    /// The same for both ends of a pair.
    static func rank(_ left: Region, _ right: Region) -> UInt64 {
        let (low, high) = left < right ? (left, right) : (right, left)
        let bytes = Hash256(hashing: Array("\(low) \(high)".utf8)[...]).bytes
        return bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
