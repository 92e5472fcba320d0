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

    /// A certificate by which other nodes know this region's node (TLS).
    public struct Certificate: Hashable, Sendable {
        /// SHA-256 of the certificate in DER.
        public let hash: Hash256
        /// Unix seconds from which, and before which, the node may show it. Not what the certificate itself says.
        public let notBefore: Int64
        public let notAfter: Int64

        public init(hash: Hash256, notBefore: Int64, notAfter: Int64) {
            self.hash = hash
            self.notBefore = notBefore
            self.notAfter = notAfter
        }

        /// - Parameter time: unix seconds.
        public func isValid(at time: Int64) -> Bool { notBefore <= time && time < notAfter }
    }

    /// A key that others have got hold of, and all that stands of what it signed.
    public struct Closure: Hashable, Sendable {
        /// The one state of an epoch that stands.
        public struct Standing: Hashable, Sendable {
            public let epoch: Epoch
            /// Batches, 1 to `FormatLimits.batchesPerFeed`.
            public let size: UInt64
            /// Merkle root over them.
            public let root: Hash256

            public init(epoch: Epoch, size: UInt64, root: Hash256) {
                self.epoch = epoch
                self.size = size
                self.root = root
            }
        }

        public let key: NoteVerifier
        /// Strictly ascending by epoch.
        public let standing: [Standing]

        /// - Returns: nil if an epoch is there twice or a size out of its range.
        public init?(key: NoteVerifier, standing: [Standing]) {
            let sorted = standing.sorted { $0.epoch < $1.epoch }
            guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.epoch < $1.epoch }),
                sorted.allSatisfy({ (1...UInt64(FormatLimits.batchesPerFeed)).contains($0.size) })
            else { return nil }
            self.key = key
            self.standing = sorted
        }

        /// What stands of an epoch under this key; nil if nothing does.
        public func standing(of epoch: Epoch) -> Standing? { standing.first { $0.epoch == epoch } }
    }

    public let id: Region
    /// Names for people.
    public let vietnameseName: String
    public let englishName: String
    /// Who runs the node.
    public let operatorName: String
    /// At most 8; none only if there is a successor.
    public let keys: [Key]
    /// At most 8.
    public let certificates: [Certificate]
    /// At most 8, each of another key, none of which is among `keys`; at most 32 epochs stand in all of them.
    public let closures: [Closure]
    /// Base URL of the public listener, `http://host:port`.
    public let publicEndpoint: String
    /// Base URL of the listener for other nodes.
    public let peerEndpoint: String
    /// The region that has taken this one over.
    public let successor: Region?

    /// - Returns: nil if a text is empty, longer than 200 bytes or holds a line break, if keys, certificates or closures
    ///   are not as said at the properties or end before they begin, or if the region succeeds itself.
    public init?(
        id: Region,
        vietnameseName: String,
        englishName: String,
        operatorName: String,
        keys: [Key],
        certificates: [Certificate] = [],
        closures: [Closure] = [],
        publicEndpoint: String,
        peerEndpoint: String,
        successor: Region? = nil
    ) {
        let texts = [vietnameseName, englishName, operatorName, publicEndpoint, peerEndpoint]
        guard texts.allSatisfy(RosterRegion.isLine), successor != id,
            (successor == nil ? 1 : 0)...FormatLimits.keysPerRegion ~= keys.count,
            keys.allSatisfy({ $0.notBefore < $0.notAfter }),
            certificates.count <= FormatLimits.certificatesPerRegion,
            certificates.allSatisfy({ $0.notBefore < $0.notAfter }),
            RosterRegion.areSound(closures, beside: keys)
        else { return nil }
        self.id = id
        self.vietnameseName = vietnameseName
        self.englishName = englishName
        self.operatorName = operatorName
        self.keys = keys
        self.certificates = certificates
        self.closures = closures
        self.publicEndpoint = publicEndpoint
        self.peerEndpoint = peerEndpoint
        self.successor = successor
    }

    /// The same region with other keys.
    /// - Returns: nil as `init` does.
    package func with(keys: [Key], closures: [Closure], successor: Region?) -> RosterRegion? {
        RosterRegion(
            id: id,
            vietnameseName: vietnameseName,
            englishName: englishName,
            operatorName: operatorName,
            keys: keys,
            certificates: certificates,
            closures: closures,
            publicEndpoint: publicEndpoint,
            peerEndpoint: peerEndpoint,
            successor: successor
        )
    }

    /// The closure of a key, whatever name the key bears there; nil if it is not closed.
    public func closure(of key: NoteVerifier) -> Closure? {
        closures.first { $0.key.publicKey == key.publicKey }
    }

    private static func areSound(_ closures: [Closure], beside keys: [Key]) -> Bool {
        guard closures.count <= FormatLimits.keysPerRegion,
            closures.reduce(0, { $0 + $1.standing.count }) <= FormatLimits.epochsPerRegion
        else { return false }
        return closures.enumerated().allSatisfy { offset, closure in
            let isSame = { (other: NoteVerifier) in other.publicKey == closure.key.publicKey }
            return !keys.contains { isSame($0.verifier) } && !closures.prefix(offset).contains { isSame($0.key) }
        }
    }

    static func isLine(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}
