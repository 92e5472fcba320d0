package import ExposureKeys
package import HTTP2
package import Replication

/// How long answers may be kept by caches on the way.
package struct CachePolicy: Sendable {
    /// Seconds between publication slots.
    let slot: Int64

    package init(slot: Int64) {
        self.slot = slot
    }

    /// Until two minutes after the next slot, and up to a tenth of a slot longer at random, so that caches and phones
    /// do not all come back at once. Two minutes are cut to one slot where slots are shorter (demonstrations).
    package func index(now: Timestamp, jitter: Double) -> Freshness {
        let seconds = now.milliseconds / 1000
        let untilNext = slot - seconds % slot
        let spread = Int64(Double(slot) / 10 * jitter)
        return Freshness(maxAge: untilNext + min(120, slot) + spread)
    }

    /// Until the oldest batch of the answer is dropped.
    package func range(publication: Interval, now: Timestamp) -> Freshness {
        let end = publication.advanced(by: Expiry.batchLifetime).unixSeconds
        return Freshness(maxAge: end - now.milliseconds / 1000, isImmutable: true)
    }

    /// Hashes stay true for good; fifteen days is as long as anyone asks for them.
    static let hashes = "public, max-age=\(Expiry.batchLifetime * Interval.seconds), immutable"
    static let roster = "public, max-age=300"
    static let health = "no-store"
}
