/// What a region publishes of one day of an ill person's Bluezone phone: the day's first sub-key, from which follow the
/// 96 identifiers of that day and of no other.
///
/// The daily key, one step above, must never be published: every later day follows from it. No module that has to do
/// with feeds knows a type for it, and nothing makes one of this type.
public struct BluezoneDayKey: PublishedKey {
    public let firstSubKey: BluezoneSubKey
    /// Rolling period 144; the rolling start is the first interval of the day in UTC, a multiple of 144.
    public let metadata: KeyMetadata

    /// - Returns: nil unless the metadata are those of a whole day in UTC.
    public init?(firstSubKey: BluezoneSubKey, metadata: KeyMetadata) {
        guard BluezoneDayKey.isWholeDay(metadata) else { return nil }
        self.firstSubKey = firstSubKey
        self.metadata = metadata
    }

    /// Whether the metadata are those of a whole day from 00:00 UTC.
    public static func isWholeDay(_ metadata: KeyMetadata) -> Bool {
        metadata.rollingPeriod == Int(Interval.perDay)
            && Int64(metadata.rollingStart.number).isMultiple(of: Interval.perDay)
    }

    /// What makes two reports speak of the same key: sub-key and day.
    public var identity: Identity { Identity(firstSubKey: firstSubKey, day: metadata.rollingStart) }

    public struct Identity: Hashable, Comparable, Sendable {
        public let firstSubKey: BluezoneSubKey
        /// The day's first interval.
        public let day: Interval

        public static func < (left: Identity, right: Identity) -> Bool {
            left.firstSubKey != right.firstSubKey ? left.firstSubKey < right.firstSubKey : left.day < right.day
        }
    }

    /// The order of day keys inside a batch: by group, then by bytes.
    public static func precedesInBatch(_ left: BluezoneDayKey, _ right: BluezoneDayKey) -> Bool {
        left.metadata != right.metadata ? left.metadata < right.metadata : left.firstSubKey < right.firstSubKey
    }

    public var material: BluezoneSubKey { firstSubKey }

    public func with(reportType: ReportType) -> BluezoneDayKey {
        BluezoneDayKey(firstSubKey: firstSubKey, wholeDay: metadata.with(reportType: reportType))
    }

    /// - Parameter metadata: of a whole day in UTC.
    private init(firstSubKey: BluezoneSubKey, wholeDay metadata: KeyMetadata) {
        self.firstSubKey = firstSubKey
        self.metadata = metadata
    }
}
