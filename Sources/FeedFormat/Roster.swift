public import ExposureKeys

/// One region as the roster lists it.
public struct RosterRegion: Hashable, Sendable {
    public struct Key: Hashable, Sendable {
        public let verifier: NoteVerifier
        /// Unix seconds from which, and before which, signatures by this key count.
        public let notBefore: Int64
        public let notAfter: Int64

        public init(verifier: NoteVerifier, notBefore: Int64, notAfter: Int64) {
            self.verifier = verifier
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    public let id: Region
    /// Names for people.
    public let vietnameseName: String
    public let englishName: String
    /// Who runs the node.
    public let operatorName: String
    /// At least one, at most 8.
    public let keys: [Key]
    /// Base URL of the public listener, `http://host:port`.
    public let publicEndpoint: String
    /// Base URL of the listener for other nodes.
    public let peerEndpoint: String
    /// The region that has taken this one over.
    public let successor: Region?

    /// - Returns: nil if a text is empty, longer than 200 bytes or holds a line break, or the number of keys is wrong.
    public init?(
        id: Region,
        vietnameseName: String,
        englishName: String,
        operatorName: String,
        keys: [Key],
        publicEndpoint: String,
        peerEndpoint: String,
        successor: Region? = nil
    ) {
        let texts = [vietnameseName, englishName, operatorName, publicEndpoint, peerEndpoint]
        guard texts.allSatisfy(RosterRegion.isLine), (1...8).contains(keys.count) else { return nil }
        self.id = id
        self.vietnameseName = vietnameseName
        self.englishName = englishName
        self.operatorName = operatorName
        self.keys = keys
        self.publicEndpoint = publicEndpoint
        self.peerEndpoint = peerEndpoint
        self.successor = successor
    }

    private static func isLine(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}

/// The signed, versioned, expiring list of regions. docs/FEED-FORMAT.md, "Roster".
public struct Roster: Sendable {
    /// 1, 2, 3, …
    public let version: UInt64
    /// Hash of the previous version's signed text; nil in version 1.
    public let previous: Hash256?
    /// Unix seconds.
    public let issued: Int64
    public let expires: Int64
    /// Strictly ascending by id.
    public let regions: [RosterRegion]

    /// - Returns: nil if regions repeat or are too many, times are not in order, or version and predecessor disagree.
    public init?(version: UInt64, previous: Hash256?, issued: Int64, expires: Int64, regions: [RosterRegion]) {
        let sorted = regions.sorted { $0.id < $1.id }
        guard version >= 1, (version == 1) == (previous == nil), 0 <= issued, issued < expires,
            sorted.count <= FormatLimits.regionsPerRoster,
            zip(sorted, sorted.dropFirst()).allSatisfy({ $0.id < $1.id })
        else { return nil }
        self.version = version
        self.previous = previous
        self.issued = issued
        self.expires = expires
        self.regions = sorted
    }

    /// The entry of a region.
    public func region(_ id: Region) -> RosterRegion? {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < regions.count && regions[low].id == id ? regions[low] : nil
    }

    /// Keys with which notes of a region are verified; nil if the region is not listed.
    public func keys(of id: Region) -> [RosterRegion.Key]? {
        region(id)?.keys
    }

    /// Hash of the signed text, by which the next version names this one.
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
                "a roster of \(bytes.count) bytes with \(signers.count) signatures; see FormatLimits for what is read"
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
                "the roster bears \(valid.count) signatures of known authorities, \(max(1, threshold)) are needed"
            )
        }
        var parser = RosterParser(note.text)
        self = try parser.roster()
        guard text == note.text else { throw FormatError(.notCanonical, "the roster's text is not in its one form") }
        guard now < expires else {
            throw FormatError(.expired, "roster version \(version) expired at unix time \(expires); get a newer one")
        }
    }
}
