@_spi(Fuzzing) import FeedFormat

#if FUZZING
    import Support
#endif

/// A signed note whatever it says, as it is and with a signature put under it, and the texts of keys.
enum NoteFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let notary = Notary(name: "keytide/authority-1", type: 1, seed: 0xa1)
        guard let verifier = notary.verifier else { return false }
        for note in [bytes, notary.note(bytes)] {
            guard let read = try? BareNote(note[...], limit: 4096) else { continue }
            guard note.count <= 4096, read.bytes == note, read.text.utf8.last == UInt8(ascii: "\n") else {
                return false
            }
            if Array(read.text.utf8) == bytes, !read.isSigned(by: verifier) { return false }
        }
        return isSoundAsKey(String(decoding: bytes, as: UTF8.self))
    }

    /// A key that is read has this one form. By bytes: Swift takes strings for equal that are written differently.
    private static func isSoundAsKey(_ text: String) -> Bool {
        if let key = NoteVerifier(text), Array(key.text.utf8) != Array(text.utf8) { return false }
        guard let key = NoteSigner(text) else { return true }
        return Array(key.text.utf8) == Array(text.utf8) && NoteVerifier(key.verifier.text) == key.verifier
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(NoteFuzz.holds) }
    }
#endif
