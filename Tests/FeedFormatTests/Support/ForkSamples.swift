import ExposureKeys
import FeedFormat
import TestSupport

/// Two histories of one feed that part somewhere.
struct ForkSamples {
    let shared: Int
    let one: [Hash256]
    let other: [Hash256]

    init(shared: Int, one: Int, other: Int, seed: UInt64 = 7) {
        var generator = SplitMix64(seed: seed)
        func leaves(_ count: Int) -> [Hash256] { (0..<count).map { _ in Hash256(leaf: generator.bytes(9)[...]) } }
        let beginning = leaves(shared)
        self.shared = shared
        self.one = beginning + leaves(one)
        self.other = beginning + leaves(other)
    }

    static func signed(
        _ leaves: some Sequence<Hash256>,
        size: UInt64? = nil,
        epoch: Epoch = Samples.epoch,
        by signer: NoteSigner? = nil
    ) throws -> SignedCheckpoint {
        let frontier = Frontier(leaves: leaves)
        let checkpoint = Checkpoint(
            region: try Samples.region(),
            epoch: epoch,
            size: size ?? frontier.size,
            root: frontier.root
        )
        return try checkpoint.signed(by: try signer ?? Samples.signer(), time: Samples.time)
    }

    /// A proof from two signed prefixes, whichever is larger.
    func proof(_ size: Int, _ otherSize: Int) throws -> ForkProof {
        if size > otherSize {
            return try ForkSamples(swapping: self).proof(otherSize, size)
        }
        let (older, newer) = (try Self.signed(one.prefix(size)), try Self.signed(other.prefix(otherSize)))
        if size == otherSize { return try ForkProof(older, newer) }
        let frontier = Frontier(leaves: other.prefix(size))
        return try ForkProof(older: older, newer: newer, frontier: frontier, leaves: other[size..<otherSize])
    }

    private init(swapping samples: ForkSamples) {
        (shared, one, other) = (samples.shared, samples.other, samples.one)
    }

    /// The bytes of a proof from any parts, whether they prove anything or not.
    static func bytes(_ older: [UInt8], _ newer: [UInt8], _ hashes: [Hash256] = []) throws -> [UInt8] {
        var bytes = Array("KTF1".utf8) + [5] + Array("VN-01".utf8)
        bytes.append(bigEndian: Samples.epoch.value)
        for note in [older, newer] {
            bytes.append(varint: UInt64(note.count))
            bytes += note
        }
        return bytes + hashes.flatMap(\.bytes)
    }
}
