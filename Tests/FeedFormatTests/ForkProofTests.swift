import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct ForkProofTests {
    private let keys: [RosterRegion.Key]

    init() throws {
        keys = Samples.rosterKeys(try Samples.signer())
    }

    private func read(_ bytes: [UInt8], keys: [RosterRegion.Key]? = nil) throws -> ForkProof {
        let keys = keys ?? self.keys
        return try ForkProof(bytes[...]) { $0.code == "VN-01" ? keys : nil }
    }

    /// Two histories prove a fork from any two of their sizes behind the point at which they part, and from no others.
    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func aProofExistsExactlyWhereHistoriesPart(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let samples = ForkSamples(
            shared: Int.random(in: 0...9, using: &generator),
            one: Int.random(in: 1...12, using: &generator),
            other: Int.random(in: 1...12, using: &generator),
            seed: seed
        )
        for size in 1...samples.one.count {
            for otherSize in 1...samples.other.count {
                if min(size, otherSize) <= samples.shared {
                    #expect(throws: FormatError.with(.noContradiction)) { try samples.proof(size, otherSize) }
                    continue
                }
                let proof = try samples.proof(size, otherSize)
                #expect(try read(proof.bytes) == proof)
                #expect(try ForkProof.feed(in: proof.bytes[...]) == Samples.feed())
                #expect(proof.older.checkpoint.size == UInt64(min(size, otherSize)))
                #expect(proof.newer.checkpoint.size == UInt64(max(size, otherSize)))
                #expect((proof.beginning == nil) == (size == otherSize))
                #expect(proof.bytes.count < 1200)
            }
        }
    }

    @Test func theOrderOfTwoEqualSizesDoesNotMatter() throws {
        let samples = ForkSamples(shared: 2, one: 3, other: 3)
        let (one, other) = (try ForkSamples.signed(samples.one), try ForkSamples.signed(samples.other))
        #expect(try ForkProof(one, other) == ForkProof(other, one))
        #expect(throws: FormatError.with(.noContradiction)) { try ForkProof(one, one) }
        let shorter = try ForkSamples.signed(samples.other.prefix(4))
        #expect(throws: FormatError.with(.noContradiction)) { try ForkProof(one, shorter) }
        let elsewhere = try ForkSamples.signed(samples.other, epoch: Epoch(1))
        #expect(throws: FormatError.with(.noContradiction)) { try ForkProof(one, elsewhere) }
    }

    /// Nobody gets a proof out of what a region has signed honestly.
    @Test func oneHistoryProvesNothing() throws {
        let leaves = ForkSamples(shared: 9, one: 0, other: 0).one
        let stranger = Hash256(hashing: [1])
        for size in 1...9 {
            for end in 1...9 {
                let (older, newer) = (
                    try ForkSamples.signed(leaves.prefix(size)), try ForkSamples.signed(leaves.prefix(end))
                )
                let path =
                    size < end
                    ? ConsistencyPath(from: Frontier(leaves: leaves.prefix(size)), through: leaves[size..<end]) : nil
                for root in [Frontier(leaves: leaves.prefix(size)).root, stranger] {
                    let bytes = try ForkSamples.bytes(
                        older.bytes,
                        newer.bytes,
                        size < end ? [root] + (path?.hashes ?? []) : []
                    )
                    #expect(throws: FormatError.self) { try read(bytes) }
                }
            }
        }
    }

    @Test func everyPrefixAndEveryAlteredBitIsRefused() throws {
        for (size, other) in [(4, 4), (4, 7)] {
            let bytes = try ForkSamples(shared: 2, one: 3, other: 6).proof(size, other).bytes
            for length in 0..<bytes.count { #expect(throws: FormatError.self) { try read(Array(bytes[..<length])) } }
            #expect(throws: FormatError.self) { try read(bytes + [0]) }
            for place in bytes.indices {
                var altered = bytes
                altered[place] ^= 1 << UInt8(place % 8)
                #expect(throws: FormatError.self, "byte \(place)") { try read(altered) }
            }
        }
    }

    @Test func errorsHaveNames() throws {
        let samples = ForkSamples(shared: 1, one: 4, other: 6)
        let (older, newer) = (try ForkSamples.signed(samples.one), try ForkSamples.signed(samples.other))
        let good = try samples.proof(5, 7)
        let hashes = [try #require(good.beginning?.root)] + (good.beginning?.path.hashes ?? [])
        func code(_ bytes: [UInt8], keys: [RosterRegion.Key]? = nil) -> FormatError.Code? {
            do {
                _ = try read(bytes, keys: keys)
                return nil
            } catch { return (error as? FormatError)?.code }
        }
        #expect(code(good.bytes) == nil)
        #expect(try ForkSamples.bytes(older.bytes, newer.bytes, hashes) == good.bytes)
        #expect(code(Array("KTF2".utf8) + good.bytes.dropFirst(4)) == .unknownFormat)
        #expect(code(good.bytes + [UInt8](repeating: 0, count: 4096)) == .limitExceeded)
        #expect(code(try ForkSamples.bytes(newer.bytes, older.bytes)) == .noContradiction)
        #expect(code(try ForkSamples.bytes(newer.bytes, older.bytes, hashes)) == .trailingBytes)
        #expect(code(try ForkSamples.bytes(older.bytes, newer.bytes, Array(hashes.dropLast()))) == .rootMismatch)
        #expect(code(try ForkSamples.bytes(older.bytes, newer.bytes)) == .truncated)
        let many = hashes + [Hash256](repeating: hashes[0], count: 18)
        #expect(code(try ForkSamples.bytes(older.bytes, newer.bytes, many)) == .limitExceeded)
        let continued = [older.checkpoint.root] + hashes.dropFirst()
        #expect(code(try ForkSamples.bytes(older.bytes, newer.bytes, Array(continued))) == .noContradiction)
        let stranger = try Samples.signer(seed: 9)
        let forged = try ForkSamples.signed(samples.other, by: stranger)
        #expect(code(try ForkSamples.bytes(older.bytes, forged.bytes, hashes)) == .missingSignature)
        #expect(code(good.bytes, keys: []) == .missingSignature)
        #expect(code(good.bytes, keys: Samples.rosterKeys(stranger)) == .missingSignature)
        let elsewhere = try ForkSamples.signed(samples.other, epoch: Epoch(1))
        #expect(code(try ForkSamples.bytes(older.bytes, elsewhere.bytes, hashes)) == .wrongPosition)
        #expect(throws: FormatError.with(.missingSignature)) { try ForkProof(good.bytes[...]) { _ in nil } }
    }

    /// A proof counts as long as both keys do.
    @Test func aClosedKeySettlesIt() throws {
        let proof = try ForkSamples(shared: 1, one: 2, other: 3).proof(3, 4)
        let (old, new) = (try Samples.signer(), try Samples.signer(seed: 9))
        func entry(_ keys: [NoteSigner], closed: [NoteSigner]) throws -> RosterRegion {
            let closures = closed.compactMap { RosterRegion.Closure(key: $0.verifier, standing: []) }
            let id = try Samples.region()
            return try #require(
                RosterRegion(
                    id: id,
                    vietnameseName: "Tỉnh",
                    englishName: "Province",
                    operatorName: "test",
                    keys: keys.flatMap { Samples.rosterKeys($0) },
                    closures: closures,
                    publicEndpoint: "http://127.0.0.1:1",
                    peerEndpoint: "http://127.0.0.1:2"
                )
            )
        }
        #expect(try entry([old], closed: []).isForked(by: proof))
        #expect(try entry([old, new], closed: []).isForked(by: proof))
        #expect(try !entry([new], closed: [old]).isForked(by: proof))
        #expect(try !entry([new], closed: []).isForked(by: proof))
    }
}
