public import ExposureKeys

/// A region's signed, timestamped statement about a feed: so many batches, this Merkle root. Form: C2SP
/// tlog-checkpoint with one cosignature/v1 signature; docs/FEED-FORMAT.md, "Checkpoint".
public struct Checkpoint: Hashable, Sendable {
    public let region: Region
    public let epoch: Epoch
    /// Batches covered, at least 1.
    public let size: UInt64
    public let root: Hash256

    public init(region: Region, epoch: Epoch, size: UInt64, root: Hash256) {
        self.region = region
        self.epoch = epoch
        self.size = size
        self.root = root
    }

    /// The note text that is signed.
    package var text: String { "\(KeytideNames.feed(region, epoch))\n\(size)\n\(Base64.encode(root.bytes))\n" }

    /// Signs this statement.
    /// - Parameter time: unix seconds, not negative.
    /// - Returns: the note, at most 300 bytes.
    /// - Throws: `.outOfRange` if `size` or `time` is one that no reader accepts.
    public func signed(by signer: NoteSigner, time: Int64) throws(FormatError) -> SignedCheckpoint {
        guard (1...UInt64(FormatLimits.batchesPerFeed)).contains(size), time >= 0 else {
            throw FormatError(.outOfRange, "\(region) \(epoch): no checkpoint of size \(size) at unix time \(time)")
        }
        let signature = try signer.sign(text, time: time)
        return SignedCheckpoint(
            checkpoint: self,
            time: time,
            bytes: SignedNote.bytes(text: text, signatures: [signature])
        )
    }
}

/// A checkpoint whose signature has been made or checked here, with the bytes of its note.
public struct SignedCheckpoint: Hashable, Sendable {
    public let checkpoint: Checkpoint
    /// Unix seconds at which the region signed.
    public let time: Int64
    public let bytes: [UInt8]

    fileprivate init(checkpoint: Checkpoint, time: Int64, bytes: [UInt8]) {
        self.checkpoint = checkpoint
        self.time = time
        self.bytes = bytes
    }

    /// Reads and verifies a note.
    /// - Parameters:
    ///   - bytes: at most 1024 bytes.
    ///   - region: the region and epoch that the note must speak of.
    ///   - keys: keys of that region; one of them must have signed.
    public init(
        _ bytes: ArraySlice<UInt8>,
        region: Region,
        epoch: Epoch,
        keys: [RosterRegion.Key]
    ) throws(FormatError) {
        let note = try SignedNote(bytes, limit: FormatLimits.checkpointBytes)
        let lines = note.text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, let size = UInt64(lines[1]), String(size) == lines[1],
            (1...UInt64(FormatLimits.batchesPerFeed)).contains(size),
            let raw = Base64.decode(lines[2]), let root = Hash256(bytes: raw)
        else { throw FormatError(.malformedNote, "a checkpoint of \(region) is not origin, size and root") }
        guard lines[0] == KeytideNames.feed(region, epoch) else {
            throw FormatError(
                .wrongPosition,
                "a checkpoint for \(lines[0].prefix(80)) stands where one of \(region) \(epoch) belongs"
            )
        }
        time = try note.time(verifiedByOneOf: keys)
        checkpoint = Checkpoint(region: region, epoch: epoch, size: size, root: root)
        self.bytes = Array(bytes)
    }
}

extension SignedNote {
    /// Time of the signature by one of `keys`, made while that key was valid.
    /// - Throws: `.wrongSignature` if a key's signature is there but does not fit, else `.missingSignature`.
    func time(verifiedByOneOf keys: [RosterRegion.Key]) throws(FormatError) -> Int64 {
        var failure = FormatError(.missingSignature, "no key that the roster holds valid has signed this note")
        for key in keys {
            do throws(FormatError) {
                if let time = try key.verifier.verify(self), key.notBefore <= time, time < key.notAfter { return time }
            } catch {
                if error.code == .wrongSignature { failure = error }
            }
        }
        throw failure
    }
}

/// Names that appear in signed notes.
public enum KeytideNames {
    /// First line of a feed's checkpoint.
    static func feed(_ region: Region, _ epoch: Epoch) -> String { "keytide/\(region)/\(epoch)" }
    /// First line of a node's index.
    static func index(_ region: Region) -> String { "keytide/\(region)/index" }
    /// First line of a roster.
    static let roster = "keytide/roster"
    /// Name under which a region signs.
    public static func signer(_ region: Region) -> String { "keytide/\(region)" }
}
