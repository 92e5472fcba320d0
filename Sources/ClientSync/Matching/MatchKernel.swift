internal import CMatchKernel
internal import ExposureNotification

/// The C kernel that derives identifiers, behind values.
struct MatchKernel: Sendable {
    private let path: kt_kernel

    /// The fastest one that this processor can run.
    static let best = MatchKernel(path: kt_kernel_best())

    /// An identifier that passed a filter.
    struct Hit {
        /// Position among the keys asked about.
        let key: Int
        /// Position among the intervals.
        let interval: Int
        let identifier: ProximityIdentifier
    }

    /// Hits taken from one call: 4096, of 24 bytes each.
    private static let capacity = 4096

    /// Derives the identifiers of a chunk's keys, from one of them on, and tests them against a day's filter.
    /// - Parameters:
    ///   - intervals: at most 144.
    ///   - body: called with each identifier that passed.
    /// - Returns: of how many keys that was everything: all, unless too much passed; at least one.
    func match(
        _ chunk: KeyChunk,
        from first: Int,
        at intervals: [UInt32],
        _ filter: DayFilter,
        _ body: (Hit) -> Void
    ) -> Int {
        withUnsafeTemporaryAllocation(of: kt_hit.self, capacity: MatchKernel.capacity) { hits in
            let result = chunk.words.withUnsafeBytes { bytes in
                kt_match(
                    path,
                    bytes.baseAddress.map { ($0 + 16 * first).assumingMemoryBound(to: UInt8.self) },
                    chunk.positions.count - first,
                    intervals,
                    intervals.count,
                    filter.words,
                    UInt32(filter.bits),
                    hits.baseAddress,
                    hits.count
                )
            }
            precondition(result.keys > 0, "the kernel takes these sizes, and its path is one that is available")
            for hit in hits.prefix(result.hits) { body(MatchKernel.hit(hit)) }
            return result.keys
        }
    }

    private static func hit(_ hit: kt_hit) -> Hit {
        let (high, low) = withUnsafeBytes(of: hit.identifier) {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        let identifier = ProximityIdentifier(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        return Hit(key: Int(hit.key), interval: Int(hit.interval), identifier: identifier)
    }
}
