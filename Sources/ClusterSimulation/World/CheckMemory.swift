import FeedFormat
import Synchronization

/// Checks that were made already: in a simulation every node checks the same bytes. Only what has passed is remembered.
final class CheckMemory: Sendable {
    private struct Note: Hashable {
        let bytes: ArraySlice<UInt8>
        let feed: FeedID
        let keys: [RosterRegion.Key]

        func hash(into hasher: inout Hasher) {
            bytes.withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.suffix(96))) }
        }
    }

    private struct Known {
        var notes: [Note: SignedCheckpoint] = [:]
        var contents: Set<Hash256> = []
    }

    /// More are forgotten, all at once.
    private static let limit = 200_000
    private let known = Mutex(Known())

    var checks: FeedChecks {
        FeedChecks(
            checkpoint: { (bytes, feed, keys) throws(FormatError) in try self.checkpoint(bytes, feed, keys) },
            content: { (batch, leaf) throws(FormatError) in try self.content(batch, leaf) }
        )
    }

    func checkpoint(
        _ bytes: ArraySlice<UInt8>,
        _ feed: FeedID,
        _ keys: [RosterRegion.Key]
    ) throws(FormatError) -> SignedCheckpoint {
        let note = Note(bytes: bytes, feed: feed, keys: keys)
        if let checked = known.withLock({ $0.notes[note] }) { return checked }
        let checked = try FeedChecks.plain.checkpoint(bytes, feed, keys)
        known.withLock { known in
            if known.notes.count >= CheckMemory.limit { known.notes = [:] }
            known.notes[note] = checked
        }
        return checked
    }

    private func content(_ batch: Batch, _ leaf: Hash256) throws(FormatError) {
        if known.withLock({ $0.contents.contains(leaf) }) { return }
        try FeedChecks.plain.content(batch, leaf)
        known.withLock { known in
            if known.contents.count >= CheckMemory.limit { known.contents = [] }
            known.contents.insert(leaf)
        }
    }
}
