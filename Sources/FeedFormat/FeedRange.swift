import ExposureKeys

/// The unit of fetching: batches [k * 2^L, (k + 1) * 2^L) of a feed. Everybody who needs some of these batches asks
/// for the same range, so one copy in a cache serves all and the request says nothing of who asks.
public struct FeedRange: Hashable, Sendable {
    /// L, 0...17.
    public let level: Int
    /// k; the range ends at or below 2^17.
    public let index: UInt64

    /// - Returns: nil if the range reaches beyond what a feed can hold.
    public init?(level: Int, index: UInt64) {
        guard (0...FormatLimits.rangeLevel).contains(level),
            index < UInt64(FormatLimits.batchesPerFeed) >> UInt64(level)
        else { return nil }
        self.level = level
        self.index = index
    }

    /// Number of the first batch.
    public var lowerBound: UInt64 { index << UInt64(level) }
    /// Number after the last batch; also the size of the checkpoint that comes with the range.
    public var upperBound: UInt64 { (index + 1) << UInt64(level) }
    /// Number of batches, 2^L.
    public var count: UInt64 { 1 << UInt64(level) }

    /// The fewest aligned ranges that together are [lower, upper), ascending; empty if that is.
    /// - Parameter maximumLevel: no range larger than 2^this.
    public static func covering(
        from lower: UInt64,
        to upper: UInt64,
        maximumLevel: Int = FormatLimits.rangeLevel
    ) -> [FeedRange] {
        var ranges: [FeedRange] = []
        var position = lower
        while position < min(upper, UInt64(FormatLimits.batchesPerFeed)) {
            let alignment = position == 0 ? FormatLimits.rangeLevel : position.trailingZeroBitCount
            let room = UInt64.bitWidth - 1 - (upper - position).leadingZeroBitCount
            let level = min(alignment, room, max(0, maximumLevel), FormatLimits.rangeLevel)
            guard let range = FeedRange(level: level, index: position >> UInt64(level)) else { break }
            ranges.append(range)
            position = range.upperBound
        }
        return ranges
    }
}

/// What the range route answers: the batches one after the other, then the checkpoint of the size at which the range
/// ends.
public struct RangeBody: Sendable {
    /// One slice per batch, in order.
    public let batches: [ArraySlice<UInt8>]
    /// The note, unverified.
    public let checkpoint: ArraySlice<UInt8>

    /// Splits a body by the lengths that the batches declare; nothing is decompressed or decoded.
    public init(_ bytes: ArraySlice<UInt8>, range: FeedRange) throws(FormatError) {
        var rest = bytes
        var batches: [ArraySlice<UInt8>] = []
        for _ in 0..<range.count {
            let size = try Batch.size(atStartOf: rest)
            batches.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        guard rest.count <= FormatLimits.checkpointBytes else {
            throw FormatError(
                .trailingBytes,
                "\(rest.count.counted("byte")) behind the batches of a range, too many for a checkpoint"
            )
        }
        self.batches = batches
        checkpoint = rest
    }
}
