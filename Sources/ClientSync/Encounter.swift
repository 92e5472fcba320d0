public import ExposureKeys
public import ExposureNotification

/// One sighting of another phone's rolling proximity identifier.
public struct Encounter: Hashable, Comparable, Sendable {
    /// By which key schedule the other phone made what it broadcast.
    public enum Schedule: UInt8, Hashable, Comparable, Sendable {
        /// 16 bytes, Exposure Notification.
        case exposureNotification = 0
        /// 12 bytes, Bluezone's own.
        case bluezone = 1

        /// Bytes of an identifier.
        public var identifierBytes: Int { self == .bluezone ? 12 : 16 }

        public static func < (left: Schedule, right: Schedule) -> Bool { left.rawValue < right.rawValue }
    }

    /// Unix seconds.
    public let time: Int64
    /// Of `.bluezone` the first 12 bytes are what was broadcast, the last four are zero.
    public let identifier: ProximityIdentifier
    public let schedule: Schedule
    public let strength: SignalStrength

    /// - Parameter identifier: of `.bluezone` the last four bytes are passed over.
    public init(
        time: Int64,
        identifier: ProximityIdentifier,
        schedule: Schedule = .exposureNotification,
        strength: SignalStrength
    ) {
        self.time = time
        self.identifier =
            schedule == .bluezone
            ? ProximityIdentifier(high: identifier.high, low: identifier.low & ~0xffff_ffff) : identifier
        self.schedule = schedule
        self.strength = strength
    }

    public var interval: Interval { Interval(unixSeconds: time) }

    /// What was broadcast: 16 or 12 bytes.
    public var broadcastIdentifier: [UInt8] { Array(identifier.bytes.prefix(schedule.identifierBytes)) }

    /// By identifier, then schedule, then time, then strength.
    public static func < (left: Encounter, right: Encounter) -> Bool {
        left.isSameSighting(as: right) ? left.strength < right.strength : left.precedes(right)
    }

    /// Whether both stand for one sighting, of which a phone keeps one: identifier, schedule and time are equal.
    public func isSameSighting(as other: Encounter) -> Bool {
        identifier == other.identifier && schedule == other.schedule && time == other.time
    }

    /// Of two that stand for one sighting the one that counts, whichever came first: the one whose attenuation is known or
    /// can be learnt, then the nearer one. Associative, commutative and idempotent.
    public func joined(with other: Encounter) -> Encounter {
        strength.counts(before: other.strength) ? self : other
    }

    /// The order of sightings, whatever their strength.
    func precedes(_ other: Encounter) -> Bool {
        if identifier != other.identifier { return identifier < other.identifier }
        if schedule != other.schedule { return schedule < other.schedule }
        return time < other.time
    }

    /// Sightings that a phone keeps and matches at most: twenty neighbours at every scan of a fortnight, five times.
    public static let maximumHeld = 500_000
}

extension Encounter {
    /// The sighting as the key behind its identifier lets it be read: with the attenuation, if the metadata broadcast
    /// with it say how loud the other phone was. Only a published key opens them, so this is for sightings that
    /// matched it; under another key the result means nothing.
    ///
    /// Metadata of another major version than 1, or of an identifier that is not Exposure Notification's, say nothing:
    /// then received power is left. An attenuation beyond 0...255 dB becomes the nearest of these.
    /// - Parameter key: the temporary exposure key of which `identifier` is made.
    public func resolved(under key: KeyData) -> Encounter {
        guard case .sealed(let rssi, let metadata) = strength else { return self }
        var open = SignalStrength.rssi(rssi)
        if schedule == .exposureNotification {
            let read = AssociatedMetadataKey(key: key).decrypt(metadata, receivedWith: identifier)
            if read.majorVersion == 1 {
                let (difference, overflows) = Int(read.transmitPower).subtractingReportingOverflow(rssi)
                let range = SignalStrength.attenuations
                open = .attenuation(
                    overflows ? range.upperBound : min(max(difference, range.lowerBound), range.upperBound)
                )
            }
        }
        return Encounter(time: time, identifier: identifier, schedule: schedule, strength: open)
    }
}

/// How loud a sighting was.
public enum SignalStrength: Hashable, Comparable, Sendable {
    /// What the air took away, in dB: transmit power minus received power. 0...255.
    case attenuation(Int)
    /// Received power in dBm, where the transmit power is not known. -127...20.
    case rssi(Int)
    /// Received power in dBm, -127...20, and the four bytes of encrypted metadata that were broadcast with the
    /// identifier, the first one highest. They hold the transmit power: see `Encounter.resolved(under:)`.
    case sealed(rssi: Int, metadata: UInt32)

    /// Whether this strength counts where another one was noted for the same sighting.
    func counts(before other: SignalStrength) -> Bool {
        let (own, others) = (rank, other.rank)
        return own == others ? other < self : own < others
    }

    /// What is known best first, then the nearest.
    private var rank: (kind: Int, distance: Int) {
        switch self {
        case .attenuation(let value): (0, value)
        case .sealed(let value, _): (1, -value)
        case .rssi(let value): (2, -value)
        }
    }

    public static let attenuations = 0...255
    public static let rssis = -127...20
}
