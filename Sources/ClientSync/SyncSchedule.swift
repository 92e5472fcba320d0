/// When a phone syncs next. A value that an app keeps between syncs; time and chance are passed in.
///
/// Regions publish at slot boundaries and nodes sign their indexes right after them, so a phone stays away from a
/// boundary by a twelfth of a slot on both sides, and anywhere in between is as good as anywhere else: phones that
/// installed the app on one evening do not come at one second. After a failure it comes back soon, then later and later,
/// up to its ordinary pace.
public struct SyncSchedule: Sendable, Equatable, Codable {
    /// Seconds between publication boundaries, which are at multiples of it since 1970; 12 to 86,400.
    public let slot: Int64
    /// Boundaries between two syncs, 1 to 24.
    public let slots: Int64
    /// Syncs that failed in a row.
    public private(set) var failures = 0

    /// Values outside their range count as the nearest one inside.
    public init(slot: Int64 = 3600, slots: Int64 = 4) {
        self.slot = min(max(12, slot), 86_400)
        self.slots = min(max(1, slots), 24)
    }

    /// Seconds on both sides of a boundary in which no phone comes by itself.
    public var margin: Int64 { slot / 12 }
    /// Seconds after a first failure; each further one doubles them.
    public static let firstPause: Int64 = 60

    /// Takes in how a sync ended.
    /// - Parameters:
    ///   - isComplete: whether the phone is up to date with some node.
    ///   - now: unix seconds, when it ended.
    /// - Returns: unix seconds of the next one, later than `now`.
    public mutating func next(
        isComplete: Bool,
        now: Int64,
        using random: inout some RandomNumberGenerator
    ) -> Int64 {
        let now = min(max(0, now), Int64.max / 2)
        guard !isComplete else {
            failures = 0
            return (now / slot + slots) * slot + Int64.random(in: margin..<slot - margin, using: &random)
        }
        failures = min(failures + 1, SyncSchedule.countedFailures)
        let pause = min(SyncSchedule.firstPause << Int64(failures - 1), slot * slots)
        // Half of it is certain, half is chance: phones that failed at one moment come back one by one.
        let time = now + max(1, pause / 2) + Int64.random(in: 0...pause / 2, using: &random)
        return awayFromBoundary(time, using: &random)
    }

    /// The pause no longer grows long before this many.
    private static let countedFailures = 24

    /// The same time, or one after the boundary that it is too close to.
    private func awayFromBoundary(_ time: Int64, using random: inout some RandomNumberGenerator) -> Int64 {
        let offset = time % slot
        if (margin..<slot - margin).contains(offset) { return time }
        let boundary = offset < margin ? time - offset : time - offset + slot
        return boundary + margin + Int64.random(in: 0..<max(1, margin), using: &random)
    }
}

extension SyncSchedule {
    private enum CodingKeys: String, CodingKey { case slot, slots, failures }

    /// What was kept may have been damaged: values outside their range count as the nearest one inside.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            slot: try values.decode(Int64.self, forKey: .slot),
            slots: try values.decode(Int64.self, forKey: .slots)
        )
        failures = min(max(0, try values.decode(Int.self, forKey: .failures)), SyncSchedule.countedFailures)
    }
}
