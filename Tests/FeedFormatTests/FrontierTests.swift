import FeedFormat
import Testing
import TestSupport

struct FrontierTests {
    /// The definition of RFC 6962, section 2.1.
    private func root(_ leaves: ArraySlice<Hash256>) -> Hash256 {
        guard leaves.count > 1 else { return leaves.first ?? Hash256(hashing: []) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        return Hash256(left: root(leaves.prefix(split)), right: root(leaves.dropFirst(split)))
    }

    private func leaves(_ count: Int) -> [Hash256] {
        var generator = SplitMix64(seed: 12)
        return (0..<count).map { _ in Hash256(leaf: generator.bytes(20)[...]) }
    }

    @Test func rootsOfTheReferenceImplementation() {
        // Inputs and roots of the Certificate Transparency reference implementation's Merkle tree test.
        let inputs: [[UInt8]] = [
            [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], Array(0x40...0x43), Array(0x50...0x57), Array(0x60...0x6f),
        ]
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        for (count, expected) in roots.enumerated() {
            let leaves = inputs.prefix(count).map { Hash256(leaf: $0[...]) }
            #expect(Frontier(leaves: leaves).root.hexadecimal == expected)
        }
    }

    @Test func rootsFollowTheDefinition() {
        let leaves = leaves(300)
        var frontier = Frontier()
        for count in 0...300 {
            #expect(frontier.size == UInt64(count))
            #expect(frontier.hashes.count == count.nonzeroBitCount)
            #expect(frontier.root == root(leaves.prefix(count)))
            if count < 300 { frontier.append(leaves[count]) }
        }
    }

    @Test func hashesAreTheCompleteSubtrees() {
        let leaves = leaves(22)
        #expect(
            Frontier(leaves: leaves).hashes == [root(leaves[0..<16]), root(leaves[16..<20]), root(leaves[20..<22])]
        )
    }

    @Test func bytesRoundTrip() throws {
        let leaves = leaves(70)
        for count in 0...70 {
            let frontier = Frontier(leaves: leaves.prefix(count))
            let bytes = frontier.bytes
            #expect(bytes.count == 8 + 32 * count.nonzeroBitCount)
            #expect(try Frontier(bytes: bytes[...]) == frontier)
            #expect(Frontier(size: frontier.size, hashes: frontier.hashes) == frontier)
        }
    }

    @Test func malformed() throws {
        let bytes = Frontier(leaves: leaves(7)).bytes
        for length in 0..<bytes.count {
            #expect(throws: FormatError.with(.truncated)) { try Frontier(bytes: bytes[..<length]) }
        }
        #expect(throws: FormatError.with(.trailingBytes)) { try Frontier(bytes: (bytes + [0])[...]) }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try Frontier(bytes: [0, 0, 0, 0, 0, 2, 0, 1] + [UInt8](repeating: 0, count: 64))
        }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try Frontier(bytes: [UInt8](repeating: 0xff, count: 8)[...])
        }
    }

    @Test func sizeAndHashesMustAgree() {
        let hashes = leaves(64)
        #expect(Frontier(size: 3, hashes: Array(hashes.prefix(1))) == nil)
        #expect(Frontier(size: 1 << 17, hashes: Array(hashes.prefix(1)))?.size == 1 << 17)
        #expect(Frontier(size: 1 << 17 + 1, hashes: Array(hashes.prefix(2))) == nil)
        #expect(Frontier(size: .max, hashes: hashes) == nil)
    }
}
