/// What can go wrong in a simulation, each drawn on or off by itself for every seed.
public enum FaultKind: String, CaseIterable, Sendable {
    /// A process dies; what it was storing is lost, or durable without anyone having been told. It is started again.
    case crash
    /// A process stands still for a while.
    case pause
    /// Nothing passes between two groups of nodes.
    case partition
    /// Nothing passes from one group of nodes to the other.
    case oneWayPartition
    /// Nothing passes between two nodes for some seconds.
    case clog
    /// A node's links carry few bytes a second for a while.
    case slowLinks
    /// Messages of a node are sent again after being lost, and its requests fail.
    case loss
    /// A node comes back with an empty disk.
    case lostDisk
    /// A node comes back with its disk as it was some time ago.
    case restoredDisk
    /// A second process runs over a copy of a node's disk.
    case copy
    /// Nothing can be stored for a while.
    case fullDisk
    /// A clock is set forward or back.
    case clockStep
    /// A clock runs too fast or too slow.
    case clockDrift
    /// A node deceives its neighbours for a while.
    case lies
    /// The power fails in the middle of a transaction.
    case tornWrite
    /// A machine goes on from an image of its memory and disk that was taken a while ago.
    case memoryImage
    /// A region revokes keys of other regions, which counts for nobody.
    case foreignRevocations
    /// Somebody has a region's key: signs in its epochs, or in epochs of his own.
    case stolenKey
    /// A region signs what no region may: malformed, outside all windows, or two batches with one number.
    case misdeeds
    /// A node is restarted in an earlier or a later release.
    case release
    /// Some bytes on a disk change.
    case bitRot
    /// A phone's process dies in the middle of a sync.
    case killedSync
    /// A phone has no network, for hours or weeks.
    case offline
    /// A node deceives phones alone, about one region, for hours.
    case phoneLies
    /// The authorities sign a new roster, in which a region has another key.
    case rosters
    /// A region corrects reports that it has published.
    case corrections

    /// Whether it comes to nothing without phones.
    var needsPhones: Bool { self == .killedSync || self == .offline || self == .phoneLies }
}

/// How many times each fault happens in a run.
public struct FaultMix: Equatable, Sendable {
    /// By position of the kind in `FaultKind.allCases`.
    private var counts: [Int]

    /// No faults.
    public init() {
        counts = FaultKind.allCases.map { _ in 0 }
    }

    public subscript(kind: FaultKind) -> Int {
        get { FaultKind.allCases.firstIndex(of: kind).map { counts[$0] } ?? 0 }
        set { if let place = FaultKind.allCases.firstIndex(of: kind) { counts[place] = newValue } }
    }

    /// Those that `SimulationOptions` draws, after everything else, so that what a seed draws besides stays what it was.
    private static let drawnLast: [FaultKind] = [.phoneLies, .rosters, .corrections]

    /// Each kind is on in every other seed, so that rare combinations happen by themselves (swarm testing: Groce and
    /// others, 2012).
    static func drawn(hours: Int, random: inout SeededRandom) -> FaultMix {
        var mix = FaultMix()
        for kind in FaultKind.allCases where !drawnLast.contains(kind) && random.chance(500) {
            mix[kind] = 1 + random.below(max(1, min(4 * hours, 12)))
        }
        return mix
    }

    /// `crash=3,clog=1`, kinds in their order; `none` without faults.
    public var text: String {
        let parts = FaultKind.allCases.filter { self[$0] > 0 }.map { "\($0.rawValue)=\(self[$0])" }
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }

    /// Reads what `text` gives.
    /// - Returns: nil if a kind is unknown or a count not from 0 to 1000.
    public init?(_ text: some StringProtocol) {
        self.init()
        if text == "none" { return }
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=")
            guard pair.count == 2, let kind = FaultKind(rawValue: String(pair[0])), let count = Int(pair[1]),
                (0...1000).contains(count)
            else { return nil }
            self[kind] = count
        }
    }
}
