import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A proof of a fork, as it is and with the checkpoints in it signed again, so that what lies behind the signatures is
/// seen too.
enum ForkFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let notary = Notary(name: "keytide/VN-01", type: 4, seed: 1)
        guard let verifier = notary.verifier else { return false }
        let keys = [RosterRegion.Key(verifier: verifier, notBefore: 1_600_000_000, notAfter: 1_700_000_000)]
        for proof in [bytes, signedAgain(bytes, by: notary)] {
            guard let read = try? ForkProof(proof[...], keys: { $0.code == "VN-01" ? keys : nil }) else { continue }
            let (older, newer) = (read.older.checkpoint, read.newer.checkpoint)
            guard read.bytes == proof, older.region == newer.region, older.epoch == newer.epoch,
                older.size <= newer.size, (read.beginning == nil) == (older.size == newer.size),
                (read.beginning?.root ?? newer.root) != older.root,
                (try? ForkProof.feed(in: proof[...])) == read.feed
            else { return false }
        }
        return true
    }

    /// The proof with the same texts under signatures that are right; as it is where it has no such form.
    private static func signedAgain(_ bytes: [UInt8], by notary: Notary) -> [UInt8] {
        guard bytes.count > 20, 13 + Int(bytes[4]) < bytes.count else { return bytes }
        var result = Array(bytes.prefix(13 + Int(bytes[4])))
        var rest = bytes.dropFirst(result.count)
        for _ in 0..<2 {
            guard let low = rest.popFirst(), let high = low < 128 ? 0 : rest.popFirst() else { return bytes }
            let note = rest.prefix(Int(low & 127) + 128 * Int(high))
            rest = rest.dropFirst(note.count)
            var text: [UInt8] = []
            for line in note.split(separator: 10).prefix(3) { text += line + [10] }
            let signed = notary.note(text)
            result += [UInt8(signed.count % 128) | 128, UInt8(signed.count / 128 % 128)] + signed
        }
        return result + rest
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(ForkFuzz.holds) }
    }
#endif
