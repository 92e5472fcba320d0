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

    @inlinable
    public init(identifier: Identifier, time: BroadcastTime) {
        self.identifier = identifier
        self.time = time
    }
}

// Inlinable, so that a matching that asks for the times of a million keys gets a form for its schedule.
extension KeySchedule {
    /// Slots of a key, at most 144 of ten minutes for any key that a feed can carry. What is left of the validity at its
    /// end, too short for a slot, has no identifier.
    @inlinable
    public func slotCount(of key: Key) -> Int {
        Int(Int64(key.metadata.rollingPeriod) * Interval.seconds / Self.slotSeconds)
    }

    /// When the key's phone broadcast the identifier of a slot.
    /// - Parameter slot: from 0 up to but not including `slotCount(of:)`.
    @inlinable
    public func time(ofSlot slot: Int, of key: Key) -> BroadcastTime {
        let start = key.metadata.rollingStart.unixSeconds + Int64(slot) * Self.slotSeconds
        return BroadcastTime(start: start, end: start + Self.slotSeconds)
    }

    /// The times of a key's slots, one after the other without gaps.
    @inlinable
    public func times(of key: Key) -> [BroadcastTime] {
        (0..<slotCount(of: key)).map { time(ofSlot: $0, of: key) }
    }

    /// What the key's phone broadcast, by time; nothing is derived where that was at a time which is not wanted.
    @inlinable
    public func broadcasts(
        of key: Key,
        where isWanted: (BroadcastTime) -> Bool = { _ in true }
    ) -> [Broadcast<Identifier>] {
        let slots = (0..<slotCount(of: key)).filter { isWanted(time(ofSlot: $0, of: key)) }
        if slots.isEmpty { return [] }
        return zip(slots, identifiers(of: key, in: slots)).map { slot, identifier in
            Broadcast(identifier: identifier, time: time(ofSlot: slot, of: key))
        }
    }
}
