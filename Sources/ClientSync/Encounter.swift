public import ExposureKeys
public import ExposureNotification

/// One sighting of another phone's rolling proximity identifier.
public struct Encounter: Hashable, Comparable, Sendable {
    /// Unix seconds.
    public let time: Int64
    public let identifier: ProximityIdentifier
    public let strength: SignalStrength

    public init(time: Int64, identifier: ProximityIdentifier, strength: SignalStrength) {
        self.time = time
        self.identifier = identifier
        self.strength = strength
    }

    public var interval: Interval { Interval(unixSeconds: time) }

    /// By identifier, then time, then strength.
    public static func < (left: Encounter, right: Encounter) -> Bool {
        if left.identifier != right.identifier { return left.identifier < right.identifier }
        if left.time != right.time { return left.time < right.time }
        return left.strength < right.strength
    }

    /// Sightings that a phone keeps and matches at most: twenty neighbours at every scan of a fortnight, five times.
    public static let maximumHeld = 500_000
}

/// How loud a sighting was.
public enum SignalStrength: Hashable, Comparable, Sendable {
    /// What the air took away, in dB: transmit power minus received power. 0...255.
    case attenuation(Int)
    /// Received power in dBm, where the transmit power is not known. -127...20.
    case rssi(Int)

    public static let attenuations = 0...255
    public static let rssis = -127...20
}
