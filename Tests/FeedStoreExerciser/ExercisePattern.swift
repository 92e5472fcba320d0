import ExposureKeys
package import FeedFormat

/// The batches that the exerciser appends, so that a test can tell what must be in the store from numbers alone.
package enum ExercisePattern {
    /// Feeds to which every append adds one batch each.
    package static let feeds: [FeedID] = ["VN-01", "VN-02"].compactMap { code in
        Region(code).map { FeedID(region: $0, epoch: Epoch(startUnixSeconds: 1_700_000_000, random: 7)) }
    }

    /// - Parameter size: bytes of the batch.
    package static func batch(_ feed: FeedID, _ number: UInt64, size: Int) -> ProvenBatch {
        let seed = UInt8(truncatingIfNeeded: number &* 37 &+ UInt64(feed.region.code.utf8.last ?? 0))
        var bytes = [UInt8](repeating: seed, count: size)
        for position in stride(from: 0, to: size, by: 61) { bytes[position] = UInt8(truncatingIfNeeded: position) }
        return ProvenBatch(
            feed: feed,
            number: number,
            publication: Interval(UInt32(truncatingIfNeeded: number)),
            bytes: bytes,
            leaf: Hash256(leaf: bytes[...]),
            checkpoint: Array("\(feed) size \(number + 1)\n".utf8)
        )
    }

    /// What one append adds.
    package static func append(_ number: UInt64, size: Int) -> [ProvenBatch] {
        feeds.map { batch($0, number, size: size) }
    }

    /// Every so many appends the exerciser drops all but the newest `kept` batches of each feed.
    package static let dropCadence: UInt64 = 32
    package static let kept: UInt64 = 48
}
