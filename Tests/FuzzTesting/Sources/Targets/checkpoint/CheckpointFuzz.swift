import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// The note of a checkpoint, as it is and with a signature put under it.
enum CheckpointFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let notary = Notary(name: "keytide/VN-01", type: 4, seed: 1)
        guard let region = Region("VN-01"), let verifier = notary.verifier else { return false }
        let epoch = Epoch(0x5f8a_0b1c_0102_0304)
        let keys = [RosterRegion.Key(verifier: verifier, notBefore: 1_600_000_000, notAfter: 1_700_000_000)]
        for note in [bytes, notary.note(bytes)] {
            guard let signed = try? SignedCheckpoint(note[...], region: region, epoch: epoch, keys: keys) else {
                continue
            }
            guard signed.bytes == note, signed.checkpoint.region == region, signed.checkpoint.epoch == epoch,
                (1...131_072).contains(signed.checkpoint.size), (1_600_000_000..<1_700_000_000).contains(signed.time)
            else { return false }
        }
        return true
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(CheckpointFuzz.holds) }
    }
#endif
