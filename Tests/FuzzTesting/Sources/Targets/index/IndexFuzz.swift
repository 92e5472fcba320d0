import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A node's index, as it is and as a list with a note put before it.
enum IndexFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let notary = Notary(name: "keytide/VN-01", type: 4, seed: 1)
        guard let verifier = notary.verifier else { return false }
        let keys = [RosterRegion.Key(verifier: verifier, notBefore: 1_600_000_000, notAfter: 1_700_000_000)]
        for index in [bytes, signed(bytes, by: notary)] {
            let read = try? FeedIndex(index[...]) { $0.code == "VN-01" ? keys : nil }
            guard let read else { continue }
            let feeds = read.fresh.entries.map(\.feed)
            guard read.bytes == index, read.node.code == "VN-01", zip(feeds, feeds.dropFirst()).allSatisfy({ $0 < $1 }),
                IndexPart(read.fresh.entries).bytes == read.fresh.bytes
            else { return false }
        }
        return true
    }

    /// An index around a list that claims to have no settled entries.
    private static func signed(_ list: [UInt8], by notary: Notary) -> [UInt8] {
        guard list.count > 36, let part = try? IndexPart(bytes: list[36...]) else { return [] }
        let settled = list[32..<36].reduce(0) { $0 << 8 | Int($1) }
        let text =
            "keytide/VN-01/index\n\(part.entries.count + settled)\n\(Notary.base64(Hash256(hashing: list[...]).bytes))\n"
        let note = notary.note(Array(text.utf8))
        return Array("KTI1".utf8) + [UInt8(note.count % 128) | 0x80, UInt8(note.count / 128)] + note + list
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(IndexFuzz.holds) }
    }
#endif
