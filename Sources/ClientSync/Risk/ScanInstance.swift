/// One scan of a window, as the API's `ScanInstance` has it; no time of day.
public struct ScanInstance: Sendable, Equatable {
    /// How many sightings it is made of, at least 1.
    public let sightings: Int
    /// Mean over the sightings in dB, rounded, halves up. 0...255.
    public let typicalAttenuation: Int
    /// Least of the sightings in dB. 0...255.
    public let minimumAttenuation: Int
    /// What it counts for, 0...300.
    public let secondsSinceLastScan: Int

    /// Numbers outside are moved to the nearest one inside.
    public init(sightings: Int = 1, typicalAttenuation: Int, minimumAttenuation: Int, secondsSinceLastScan: Int) {
        self.sightings = max(1, sightings)
        self.typicalAttenuation = min(max(typicalAttenuation, 0), 255)
        self.minimumAttenuation = min(max(minimumAttenuation, 0), 255)
        self.secondsSinceLastScan = min(max(secondsSinceLastScan, 0), Int(KeyScan.longest))
    }

    init(_ scan: KeyScan) {
        let attenuations = scan.sightings.map(\.estimatedAttenuation)
        let count = attenuations.count
        self.init(
            sightings: count,
            typicalAttenuation: (2 * attenuations.reduce(0, +) + count) / (2 * max(1, count)),
            minimumAttenuation: attenuations.min() ?? 0,
            secondsSinceLastScan: scan.seconds
        )
    }

    static func precedes(_ left: ScanInstance, _ right: ScanInstance) -> Bool {
        (left.typicalAttenuation, left.minimumAttenuation, left.secondsSinceLastScan, left.sightings)
            < (right.typicalAttenuation, right.minimumAttenuation, right.secondsSinceLastScan, right.sightings)
    }
}

extension Encounter {
    /// In dB, 0...255: as measured or, where the sender's power is not known, by a typical one.
    var estimatedAttenuation: Int {
        switch strength {
        case .attenuation(let value): value
        case .rssi(let value), .sealed(let value, _): min(max(Encounter.assumedTransmitPower - value, 0), 255)
        }
    }

    /// Whether the sender's power is known.
    var isAttenuationKnown: Bool {
        if case .attenuation = strength { return true }
        return false
    }

    /// dBm. Our own decision: -65 dBm received is then 55 dB, the bound of what is very near.
    static let assumedTransmitPower = -10
}
