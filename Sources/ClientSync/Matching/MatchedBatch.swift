public import ExposureKeys
public import FeedFormat

/// What comparing a batch with this phone's sightings gave. Reports that revoke a key count as others do: whoever was
/// near one must hear of it.
public struct MatchedBatch: Sendable, Equatable {
    public let feed: FeedID
    public let number: UInt64
    /// When the region published it: of reports of equal rank the later one stands.
    public let publication: Interval
    /// Keys in the batch, of all schedules.
    public let keys: Int
    /// Serial of the last sighting that it was compared with, as `DeviceStorage.encounterSerial` counts.
    public let seen: Int64
    /// The batch's reports of keys that were near in the sense of `KeyReach`, in any order. Which ones they are is nobody
    /// else's business: a store keeps them as it keeps sightings.
    public let near: [DiagnosisKey]
    public let nearBluezone: [BluezoneDayKey]

    public init(
        feed: FeedID,
        number: UInt64,
        publication: Interval,
        keys: Int,
        seen: Int64,
        near: [DiagnosisKey],
        nearBluezone: [BluezoneDayKey] = []
    ) {
        self.nearBluezone = nearBluezone
        self.feed = feed
        self.number = number
        self.publication = publication
        self.keys = keys
        self.seen = seen
        self.near = near
    }

    /// What both say together of one batch: it has been compared with the sightings of both.
    public func joined(with other: MatchedBatch) -> MatchedBatch {
        MatchedBatch(
            feed: feed,
            number: number,
            publication: publication,
            keys: max(keys, other.keys),
            seen: max(seen, other.seen),
            near: RegionKeys(joining: near + other.near, publishedAt: publication).keys,
            nearBluezone: BluezoneRegionKeys(joining: nearBluezone + other.nearBluezone, publishedAt: publication)
                .keys
        )
    }
}

/// A batch held, and how far it has been compared.
public struct MatchState: Sendable, Equatable {
    public let feed: FeedID
    public let number: UInt64
    public let publication: Interval
    /// As in `MatchedBatch`; nil if it has not been compared.
    public let seen: Int64?

    public init(feed: FeedID, number: UInt64, publication: Interval, seen: Int64?) {
        self.feed = feed
        self.number = number
        self.publication = publication
        self.seen = seen
    }

    /// Whether a sighting that was made at `interval` can be one of the batch's keys: all of them end by the
    /// publication.
    func mayHold(seenAt interval: Interval, tolerance: Int64) -> Bool {
        interval.distance(from: publication) <= tolerance
    }
}
