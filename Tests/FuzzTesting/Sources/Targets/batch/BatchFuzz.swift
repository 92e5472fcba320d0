import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A batch and what is in it: keys of both kinds, predecessors, sections of any kind, compressed ones too.
enum BatchFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let batch = try? Batch(bytes) else { return true }
        guard batch.bytes == bytes, (try? Batch.size(atStartOf: (bytes + [1])[...])) == bytes.count else {
            return false
        }
        if let epochs = try? batch.predecessors(), !epochs.isEmpty {
            guard batch.number == 0, zip(epochs, epochs.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
        }
        if let days = try? batch.bluezoneKeys(), !holds(days, of: batch) { return false }
        guard let keys = try? batch.keys() else { return true }
        guard zip(keys, keys.dropFirst()).allSatisfy(DiagnosisKey.precedesInBatch) else { return false }
        // What was read can be written and read again; fewer keys come back only where reports are joined.
        guard let again = try? Batch(number: batch.number, publication: batch.publication, keys: keys) else {
            return false
        }
        let joined = RegionKeys(joining: keys, publishedAt: batch.publication).keys.sorted(
            by: DiagnosisKey.precedesInBatch
        )
        return (try? again.keys()) == joined
    }

    /// The same for Bluezone day keys.
    private static func holds(_ days: [BluezoneDayKey], of batch: Batch) -> Bool {
        guard zip(days, days.dropFirst()).allSatisfy(BluezoneDayKey.precedesInBatch),
            let again = try? Batch(number: batch.number, publication: batch.publication, keys: [], bluezone: days)
        else { return false }
        let joined = BluezoneRegionKeys(joining: days, publishedAt: batch.publication).keys.sorted(
            by: BluezoneDayKey.precedesInBatch
        )
        return (try? again.bluezoneKeys()) == joined
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(BatchFuzz.holds) }
    }
#endif
