public import ExposureKeys

/// The signed, versioned, expiring list of regions. docs/FEED-FORMAT.md, "Roster".
public struct Roster: Sendable {
    /// 1, 2, 3, …
    public let version: UInt64
    /// Hash of the previous version's signed text; nil in version 1.
    public let previous: Hash256?
    /// Hashes of the versions before that one, the latest first: of all of them, or of as many as make
    /// `FormatLimits.earlierRosters` together with `previous`.
    public let earlier: [Hash256]
    /// Unix seconds.
    public let issued: Int64
    public let expires: Int64
    /// Strictly ascending by id.
    public let regions: [RosterRegion]

    /// - Returns: nil if regions repeat or are too many, a successor is not listed or has a successor itself, times are
    ///   not in order, or the version disagrees with its predecessors.
    public init?(
        version: UInt64,
        previous: Hash256?,
        earlier: [Hash256] = [],
        issued: Int64,
        expires: Int64,
        regions: [RosterRegion]
    ) {
        let sorted = regions.sorted { $0.id < $1.id }
        guard version >= 1, (version == 1) == (previous == nil), 0 <= issued, issued < expires,
            earlier.count == Roster.earlierCount(version: version),
            sorted.count <= FormatLimits.regionsPerRoster,
            zip(sorted, sorted.dropFirst()).allSatisfy({ $0.id < $1.id })
        else { return nil }
        self.version = version
        self.previous = previous
        self.earlier = earlier
        self.issued = issued
        self.expires = expires
        self.regions = sorted
        for case let successor? in regions.map(\.successor) {
            guard let region = region(successor), region.successor == nil else { return nil }
        }
    }

    /// How many hashes stand in `earlier`.
    static func earlierCount(version: UInt64) -> Int {
        Int(min(version - min(version, 2), UInt64(FormatLimits.earlierRosters - 1)))
    }

    /// The entry of a region.
    public func region(_ id: Region) -> RosterRegion? { position(of: id).map { regions[$0] } }

    /// Where the entry of a region stands in `regions`; for those who look up a region at every event, and need not copy
    /// an entry for that.
    package func position(of id: Region) -> Int? {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < regions.count && regions[low].id == id ? low : nil
    }

    /// Keys with which notes of a region are verified; nil if the region is not listed.
    public func keys(of id: Region) -> [RosterRegion.Key]? {
        region(id)?.keys
    }

    /// Whether signatures count that a region makes with a key at a time.
    /// - Parameter time: unix seconds.
    public func counts(_ verifier: NoteVerifier, of id: Region, at time: Int64) -> Bool {
        guard let key = region(id)?.keys.first(where: { $0.verifier == verifier }) else { return false }
        return key.notBefore <= time && time < key.notAfter
    }

    /// The closed key of a region that this one is; nil if it is not closed.
    public func closure(of key: NoteVerifier, in id: Region) -> RosterRegion.Closure? {
        region(id)?.closure(of: key)
    }

    /// Hash of the signed text, by which later versions name this one.
    public var hash: Hash256 { Hash256(hashing: Array(text.utf8)[...]) }

    /// Signs the roster.
    /// - Parameter signers: authorities, 1 to 64, each with an Ed25519 note key of type 0x01.
    /// - Throws: `.limitExceeded` if there are more signers, or the note is larger, than a reader accepts.
    public func signed(by signers: [NoteSigner]) throws(FormatError) -> [UInt8] {
        var signatures: [SignedNote.Signature] = []
        for signer in signers { signatures.append(try signer.sign(text, time: issued)) }
        let bytes = SignedNote.bytes(text: text, signatures: signatures)
        guard (1...FormatLimits.signaturesPerNote).contains(signers.count), bytes.count <= FormatLimits.rosterBytes
        else {
            throw FormatError(
                .limitExceeded,
                "a roster of \(bytes.count.counted("byte")) with \(signers.count.counted("signature")); see FormatLimits for what is read"
            )
        }
        return bytes
    }

    /// Reads and verifies a roster.
    /// - Parameters:
    ///   - authorities: the keys that may sign; distinct ones are counted.
    ///   - threshold: how many of them must have signed, at least 1.
    ///   - now: unix seconds; an expired roster is refused.
    public init(
        _ bytes: ArraySlice<UInt8>,
        authorities: [NoteVerifier],
        threshold: Int,
        now: Int64
    ) throws(FormatError) {
        let note = try SignedNote(bytes, limit: FormatLimits.rosterBytes)
        var valid: [NoteVerifier] = []
        for authority in authorities where !valid.contains(where: { $0.publicKey == authority.publicKey }) {
            do throws(FormatError) {
                _ = try authority.verify(note)
                valid.append(authority)
            } catch {
                if error.code == .wrongSignature { throw error }
            }
        }
        guard valid.count >= max(1, threshold) else {
            throw FormatError(
                .missingSignature,
                "the roster bears \(valid.count.counted("signature")) of known authorities, \(max(1, threshold)) are needed"
            )
        }
        self = try Roster(unsigned: note.text)
        try checkExpiry(now: now)
    }

    /// Reads a roster's text that nobody may have signed yet.
    package init(unsigned draft: String) throws(FormatError) {
        var parser = RosterParser(draft)
        self = try parser.roster()
        guard text == draft else { throw FormatError(.notCanonical, "the roster's text is not in its one form") }
    }

    /// - Parameter now: unix seconds.
    /// - Throws: `.expired`.
    public func checkExpiry(now: Int64) throws(FormatError) {
        guard now < expires else {
            throw FormatError(
                .expired,
                "roster version \(version) expired at \(UTCText.moment(expires)); get a newer one"
            )
        }
    }
}
