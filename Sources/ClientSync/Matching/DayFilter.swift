internal import ExposureKeys
package import ExposureNotification

/// What a UTC day's keys are compared with first: one bit for each sighting on that day or within the tolerance of it,
/// found by the first bits of its identifier. Nearly all identifiers end here.
///
/// Splitting by day keeps the filter within a processor's first cache: a day has about a fourteenth of the sightings.
package struct DayFilter: Sendable {
    /// Days since 1970 in UTC.
    package let day: Int64
    /// Intervals of the day for which a sighting lies within the tolerance, ascending. No identifier is derived for
    /// others.
    package let intervals: [UInt32]
    /// 2^`bits` bits.
    package let words: [UInt32]
    package let bits: Int

    /// 2^12...2^20 bits, 512 B to 128 KiB. With 256 bits for a sighting one in 256 strange identifiers passes.
    package static let sizes = 12...20
    private static let bitsPerSighting = 256

    /// - Parameters:
    ///   - day: days since 1970 in UTC.
    ///   - sightings: on that day or within the tolerance of it; at least one.
    package init(day: Int64, sightings: [Encounter], tolerance: Int64) {
        self.day = day
        let wanted = sightings.count * DayFilter.bitsPerSighting - 1
        let bits = min(
            DayFilter.sizes.upperBound,
            max(DayFilter.sizes.lowerBound, Int.bitWidth - wanted.leadingZeroBitCount)
        )
        self.bits = bits
        var words = [UInt32](repeating: 0, count: 1 << (bits - 5))
        var isNear = [Bool](repeating: false, count: Int(Interval.perDay))
        let start = day * Interval.perDay
        for sighting in sightings {
            let bit = DayFilter.bit(of: sighting.identifier, bits: bits)
            words[bit >> 5] |= 1 << UInt32(bit & 31)
            let position = Int64(sighting.interval.number) - start
            let (first, end) = (max(0, position - tolerance), min(Interval.perDay, position + tolerance + 1))
            if first < end { for place in first..<end { isNear[Int(place)] = true } }
        }
        self.words = words
        intervals = isNear.indices.filter { isNear[$0] }.map { UInt32(start + Int64($0)) }
    }

    /// The bit that stands for an identifier: the low bits of its first four bytes, the first byte lowest.
    package static func bit(of identifier: ProximityIdentifier, bits: Int) -> Int {
        Int(UInt32(truncatingIfNeeded: identifier.high >> 32).byteSwapped & (1 << UInt32(bits) - 1))
    }
}
