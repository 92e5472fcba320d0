internal import ExposureKeys
internal import FeedFormat

/// Whom a phone asks to bear witness: every region by a hash of the phone's seed and its code. So a phone keeps its
/// witnesses whatever else the roster changes, and phones differ in theirs.
struct WitnessDraw {
    /// Regions that may be witnesses, in this phone's order.
    let regions: [RosterRegion]

    /// - Parameter node: the region of the node that is judged; it and others of its operator are left out.
    init(roster: Roster, seed: UInt64, node: Region) {
        let judged = roster.region(node)?.operatorName
        regions = roster.regions
            .filter { $0.id != node && $0.operatorName != judged && $0.successor == nil && !$0.keys.isEmpty }
            .map { (rank: WitnessDraw.rank(of: $0.id, seed: seed), region: $0) }
            .sorted { $0.rank.lexicographicallyPrecedes($1.rank) }
            .map(\.region)
    }

    private static func rank(of region: Region, seed: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: seed)
        bytes += Array(region.code.utf8)
        return Hash256(hashing: bytes[...]).bytes
    }

    /// The first `count` regions of distinct operators that a test admits.
    func first(_ count: Int, where isAdmitted: (RosterRegion) -> Bool) -> [RosterRegion] {
        var chosen: [RosterRegion] = []
        for region in regions where chosen.count < count {
            guard !chosen.contains(where: { $0.operatorName == region.operatorName }), isAdmitted(region) else {
                continue
            }
            chosen.append(region)
        }
        return chosen
    }
}
