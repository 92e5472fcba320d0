public import ExposureKeys

/// How the phones of one system derive what they broadcast from what a feed carries of a day.
///
/// A key's validity, from its rolling start to its end, is cut into slots of equal length, numbered from 0; in each slot
/// the phone broadcast one identifier.
public protocol KeySchedule: Sendable {
    /// What a feed carries of a day, or a part of one.
    associatedtype Key: PublishedKey
    /// What the phone broadcasts, for the time of one slot.
    associatedtype Identifier: Hashable, Comparable, Sendable

    /// Seconds for which one identifier is broadcast; at least 1.
    static var slotSeconds: Int64 { get }

    /// The identifiers of some slots of a key, in their order.
    /// - Parameter slots: strictly ascending, each one of the key's; any other is an error of the caller and may trap.
    func identifiers(of key: Key, in slots: [Int]) -> [Identifier]
}

/// One identifier of a key and when its phone broadcast it.
public struct Broadcast<Identifier: Hashable & Sendable>: Hashable, Sendable {
    public let identifier: Identifier
    public let time: BroadcastTime

    public init(identifier: Identifier, time: BroadcastTime) {
        self.identifier = identifier
        self.time = time
    }
}

extension KeySchedule {
    /// The times of a key's slots, one after the other without gaps: at most 144 for any key that a feed can carry. What
    /// is left of the validity at its end, too short for a slot, has no identifier.
    public func times(of key: Key) -> [BroadcastTime] {
        let start = key.metadata.rollingStart.unixSeconds
        let count = Int64(key.metadata.rollingPeriod) * Interval.seconds / Self.slotSeconds
        return (0..<count).map { slot in
            BroadcastTime(start: start + slot * Self.slotSeconds, end: start + (slot + 1) * Self.slotSeconds)
        }
    }

    /// What the key's phone broadcast, by time; nothing is derived where that was at a time which is not wanted.
    public func broadcasts(
        of key: Key,
        where isWanted: (BroadcastTime) -> Bool = { _ in true }
    ) -> [Broadcast<Identifier>] {
        let times = times(of: key)
        let slots = times.indices.filter { isWanted(times[$0]) }
        if slots.isEmpty { return [] }
        return zip(slots, identifiers(of: key, in: slots)).map { Broadcast(identifier: $1, time: times[$0]) }
    }
}
