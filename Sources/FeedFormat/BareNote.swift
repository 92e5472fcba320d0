/// A signed note whatever it says, without the limits and the key of one kind of note: what fuzzing reads.
@_spi(Fuzzing)
public struct BareNote {
    private let note: SignedNote

    /// - Parameter limit: largest accepted size in bytes.
    public init(_ bytes: ArraySlice<UInt8>, limit: Int) throws(FormatError) {
        note = try SignedNote(bytes, limit: limit)
    }

    public var text: String { note.text }

    /// The note written again.
    public var bytes: [UInt8] { SignedNote.bytes(text: note.text, signatures: note.signatures) }

    public func isSigned(by verifier: NoteVerifier) -> Bool {
        do {
            _ = try verifier.verify(note)
            return true
        } catch {
            return false
        }
    }
}
