import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A batch and what is in it: keys, predecessors, sections of any kind, compressed ones too.
enum BatchFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let batch = try? Batch(bytes) else { return true }
        guard batch.bytes == bytes, (try? Batch.size(atStartOf: (bytes + [1])[...])) == bytes.count else {
            return false
        }
        if let epochs = try? batch.predecessors(), !epochs.isEmpty {
            guard batch.number == 0, zip(epochs, epochs.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
        }
        guard let keys = try? batch.keys() else { return true }
        guard zip(keys, keys.dropFirst()).allSatisfy(DiagnosisKey.precedesInBatch) else { return false }
        // What was read can be written and read again; fewer keys come back only where reports are joined.
        guard let again = try? Batch(number: batch.number, publication: batch.publication, keys: keys) else {
            return false
        }
        let joined = RegionKeys(joining: keys).keys.sorted(by: DiagnosisKey.precedesInBatch)
        return (try? again.keys()) == joined
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(BatchFuzz.holds) }
    }
#endif
