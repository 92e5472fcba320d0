/// The 16 bytes of a temporary exposure key, kept as two big-endian halves so that comparing values and comparing
/// bytes give the same order.
public struct KeyData: Hashable, Comparable, Sendable {
    /// Bytes 0 to 7, big-endian.
    public let high: UInt64
    /// Bytes 8 to 15, big-endian.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Returns: nil unless there are exactly 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (position, byte) in bytes.enumerated() {
            if position < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
        }
        self.init(high: high, low: low)
    }

    /// The 16 bytes in their published order.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for position in 0..<8 {
                buffer[position] = UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * position))
                buffer[position + 8] = UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * position))
            }
            count = 16
        }
    }

    @inlinable
    public static func < (left: KeyData, right: KeyData) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

/// What a region states about a key besides its bytes. Keys with equal metadata form a group of a batch.
///
/// The value is kept packed; `packed` as an unsigned number is the canonical order of groups: report type, rolling
/// period, transmission risk, days since onset, rolling start.
public struct KeyMetadata: Hashable, Comparable, Sendable {
    /// Bits 63...61 zero, 60...58 report type, 57...50 rolling period, 49...46 transmission risk, 45...32 days since
    /// onset (offset by 8191, 0 for none), 31...0 rolling start interval number.
    public let packed: UInt64

    /// - Parameters:
    ///   - rollingStart: first interval in which the key was used; `rollingStart + rollingPeriod` must fit 32 bits.
    ///   - rollingPeriod: intervals for which it was used, 1 to 144.
    ///   - transmissionRisk: 0 (none given) to 8, as the publish API has it.
    ///   - daysSinceOnset: days since onset of symptoms, nil if not given. -14...14 is a known onset; wider values are
    ///     the ranges and unknowns that European backends code as `100 n + d`, `2000 + d`, `3000 + d`, `4000 + d`.
    ///     -8190...8190 can be carried.
    /// - Returns: nil if a value lies outside its range.
    public init?(
        rollingStart: Interval,
        rollingPeriod: Int,
        reportType: ReportType,
        transmissionRisk: Int = 0,
        daysSinceOnset: Int? = nil
    ) {
        guard KeyMetadata.rollingPeriods.contains(rollingPeriod),
            KeyMetadata.transmissionRisks.contains(transmissionRisk),
            UInt64(rollingStart.number) + UInt64(rollingPeriod) <= UInt64(UInt32.max)
        else { return nil }
        var onset: UInt64 = 0
        if let days = daysSinceOnset {
            guard KeyMetadata.onsetDays.contains(days) else { return nil }
            onset = UInt64(days + KeyMetadata.onsetOffset)
        }
        self.packed =
            UInt64(reportType.rawValue) << 58 | UInt64(rollingPeriod) << 50 | UInt64(transmissionRisk) << 46
            | onset << 32 | UInt64(rollingStart.number)
    }

    /// The metadata that has this packed form.
    /// - Returns: nil if a field lies outside its range or an unused bit is set.
    public init?(unpacking packed: UInt64) {
        let period = Int(packed >> 50 & 0xff)
        let onset = Int(packed >> 32 & 0x3fff)
        guard packed >> 58 <= UInt64(ReportType.revoked.rawValue),
            KeyMetadata.rollingPeriods.contains(period),
            KeyMetadata.transmissionRisks.contains(Int(packed >> 46 & 0xf)),
            onset == 0 || KeyMetadata.onsetDays.contains(onset - KeyMetadata.onsetOffset),
            UInt64(UInt32(truncatingIfNeeded: packed)) + UInt64(period) <= UInt64(UInt32.max)
        else { return nil }
        self.packed = packed
    }

    public var rollingStart: Interval { Interval(UInt32(truncatingIfNeeded: packed)) }
    public var rollingPeriod: Int { Int(packed >> 50 & 0xff) }
    public var reportType: ReportType { ReportType(rawValue: UInt8(packed >> 58)) ?? .unknown }
    public var transmissionRisk: Int { Int(packed >> 46 & 0xf) }
    public var daysSinceOnset: Int? {
        let onset = Int(packed >> 32 & 0x3fff)
        return onset == 0 ? nil : onset - KeyMetadata.onsetOffset
    }

    /// The first interval after the key's validity.
    public var end: Interval { rollingStart.advanced(by: Int64(rollingPeriod)) }

    /// The same metadata under another report type.
    public func with(reportType: ReportType) -> KeyMetadata {
        KeyMetadata(packed: packed & ~(UInt64(7) << 58) | UInt64(reportType.rawValue) << 58)
    }

    private init(packed: UInt64) {
        self.packed = packed
    }

    @inlinable
    public static func < (left: KeyMetadata, right: KeyMetadata) -> Bool { left.packed < right.packed }

    public static let rollingPeriods = 1...144
    public static let transmissionRisks = 0...8
    public static let onsetDays = -8190...8190
    private static let onsetOffset = 8191
}

/// A temporary exposure key of a person who tested positive, as a region publishes it.
public struct DiagnosisKey: Hashable, Sendable {
    public let data: KeyData
    public let metadata: KeyMetadata

    public init(data: KeyData, metadata: KeyMetadata) {
        self.data = data
        self.metadata = metadata
    }

    /// What makes two reports speak of the same key: bytes, rolling start and rolling period. (The publishing region
    /// belongs to it too; a `RegionKeys` is one region's.)
    public var identity: Identity {
        Identity(data: data, rollingStart: metadata.rollingStart, rollingPeriod: UInt8(metadata.rollingPeriod))
    }

    public struct Identity: Hashable, Comparable, Sendable {
        public let data: KeyData
        public let rollingStart: Interval
        public let rollingPeriod: UInt8

        public static func < (left: Identity, right: Identity) -> Bool {
            if left.data != right.data { return left.data < right.data }
            if left.rollingStart != right.rollingStart { return left.rollingStart < right.rollingStart }
            return left.rollingPeriod < right.rollingPeriod
        }
    }

    /// The order of keys inside a batch: by group, then by key bytes.
    public static func precedesInBatch(_ left: DiagnosisKey, _ right: DiagnosisKey) -> Bool {
        left.metadata != right.metadata ? left.metadata < right.metadata : left.data < right.data
    }
}
