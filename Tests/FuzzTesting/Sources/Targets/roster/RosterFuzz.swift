import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A roster, as it is and with a signature put under it.
enum RosterFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let notary = Notary(name: "keytide/authority-1", type: 1, seed: 0xa1)
        guard let authority = notary.verifier else { return false }
        for note in [bytes, notary.note(bytes)] {
            let read = try? Roster(note[...], authorities: [authority], threshold: 1, now: 1_605_000_000)
            guard let roster = read else { continue }
            let ids = roster.regions.map(\.id)
            guard roster.version >= 1, roster.expires > 1_605_000_000,
                zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }),
                ids.allSatisfy({ roster.keys(of: $0) != nil })
            else { return false }
        }
        return true
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(RosterFuzz.holds) }
    }
#endif
