import FeedFormat
import Testing
import TestSupport

struct ConsistencyPathTests {
    private func leaves(_ count: Int, seed: UInt64 = 3) -> [Hash256] {
        var generator = SplitMix64(seed: seed)
        return (0..<count).map { _ in Hash256(leaf: generator.bytes(20)[...]) }
    }

    private func root(_ leaves: ArraySlice<Hash256>) -> Hash256 { Frontier(leaves: leaves).root }

    /// The definition of RFC 9162, section 2.1.4.1.
    private func proof(_ size: Int, _ leaves: ArraySlice<Hash256>, isWhole: Bool = true) -> [Hash256] {
        if size == leaves.count { return isWhole ? [] : [root(leaves)] }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let (left, right) = (leaves.prefix(split), leaves.dropFirst(split))
        return size <= split
            ? proof(size, left, isWhole: isWhole) + [root(right)]
            : proof(size - split, right, isWhole: false) + [root(left)]
    }

    private func route(_ size: Int, _ leaves: [Hash256]) -> ConsistencyPath? {
        ConsistencyPath(from: Frontier(leaves: leaves.prefix(size)), through: leaves.dropFirst(size))
    }

    private static let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 70]

    @Test(arguments: sizes) func pathsAreThoseOfTheDefinitionAndLead(count: Int) throws {
        let leaves = leaves(count)
        for size in 1..<max(count, 1) {
            let path = try #require(route(size, leaves))
            #expect(path.hashes == proof(size, leaves[...]), "\(size) to \(count)")
            let (old, new) = (root(leaves.prefix(size)), root(leaves[...]))
            #expect(path.leads(from: old, at: UInt64(size), to: new, at: UInt64(count)), "\(size) to \(count)")
        }
    }

    /// The largest feed, in which paths are longest.
    @Test func longPaths() throws {
        let leaves = leaves(FormatLimits.batchesPerFeed)
        for size in [1, 3, 65_535, 65_537, 87_381, 131_071] {
            let path = try #require(route(size, leaves))
            #expect(path.hashes.count <= FormatLimits.consistencyHashes)
            let (old, new) = (root(leaves.prefix(size)), root(leaves[...]))
            #expect(path.leads(from: old, at: UInt64(size), to: new, at: UInt64(leaves.count)))
        }
        #expect(route(131_071, leaves)?.hashes.count == 18)
    }

    /// Paths of the Certificate Transparency reference implementation's Merkle tree test, over its eight inputs.
    @Test func pathsOfTheReferenceImplementation() {
        let inputs: [[UInt8]] = [
            [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], Array(0x40...0x43), Array(0x50...0x57), Array(0x60...0x6f),
        ]
        let leaves = inputs.map { Hash256(leaf: $0[...]) }
        #expect(
            route(1, leaves)?.hashes.map(\.hexadecimal) == [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        )
        #expect(
            route(6, leaves)?.hashes.map(\.hexadecimal) == [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        )
        #expect(
            route(2, Array(leaves.prefix(5)))?.hashes.map(\.hexadecimal) == [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        )
    }

    @Test func nothingElseLeads() throws {
        let leaves = leaves(23)
        let (old, new) = (root(leaves.prefix(11)), root(leaves[...]))
        let hashes = try #require(route(11, leaves)).hashes
        func leads(_ hashes: [Hash256], _ from: Hash256, _ size: UInt64, _ to: Hash256, _ end: UInt64) -> Bool {
            ConsistencyPath(hashes: hashes)?.leads(from: from, at: size, to: to, at: end) == true
        }
        #expect(leads(hashes, old, 11, new, 23))
        #expect(!leads(hashes, new, 11, new, 23))
        #expect(!leads(hashes, old, 11, old, 23))
        for size in UInt64(0)...40 where size != 11 { #expect(!leads(hashes, old, size, new, 23), "\(size)") }
        // Sizes whose paths have the same turns cannot be told apart by hashes: the sizes themselves are signed.
        for end in UInt64(0)...11 { #expect(!leads(hashes, old, 11, new, end), "\(end)") }
        for place in hashes.indices {
            var altered = hashes
            altered[place] = Hash256(hashing: [UInt8(place)])
            #expect(!leads(altered, old, 11, new, 23))
            altered.remove(at: place)
            #expect(!leads(altered, old, 11, new, 23))
        }
        #expect(!leads(hashes + [old], old, 11, new, 23))
        #expect(!leads([], old, 11, new, 23))
        #expect(!leads([], old, 1, new, .max))
    }

    @Test func limits() {
        let leaves = leaves(4)
        #expect(ConsistencyPath(hashes: [Hash256](repeating: leaves[0], count: 18)) != nil)
        #expect(ConsistencyPath(hashes: [Hash256](repeating: leaves[0], count: 19)) == nil)
        #expect(ConsistencyPath(from: Frontier(), through: leaves[...]) == nil)
        #expect(ConsistencyPath(from: Frontier(leaves: leaves), through: []) == nil)
        let full = Frontier(size: 1 << 17, hashes: [leaves[0]]) ?? Frontier()
        #expect(ConsistencyPath(from: full, through: leaves[...]) == nil)
    }
}
