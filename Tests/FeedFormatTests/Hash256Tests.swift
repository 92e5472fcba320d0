import FeedFormat
import Testing
import TestSupport

struct Hash256Tests {
    @Test func publishedValues() throws {
        // FIPS 180-4 examples.
        #expect(
            Hash256(hashing: Array("abc".utf8)[...]).hexadecimal
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            Hash256(hashing: []).hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    }

    @Test func leavesAndNodesAreSeparated() throws {
        let left = Hash256(leaf: [1, 2])
        let right = Hash256(leaf: [])
        #expect(left == Hash256(hashing: [0, 1, 2]))
        #expect(Hash256(left: left, right: right) == Hash256(hashing: ([1] + left.bytes + right.bytes)[...]))
        #expect(Hash256(left: left, right: right) != Hash256(left: right, right: left))
    }

    @Test func bytesRoundTrip() throws {
        var generator = SplitMix64(seed: 11)
        for _ in 0..<20 {
            let bytes = generator.bytes(32)
            let hash = try #require(Hash256(bytes: bytes))
            #expect(hash.bytes == bytes)
            // Bytes that do not lie together.
            #expect(Hash256(bytes: Array(bytes.reversed()).reversed() as ReversedCollection) == hash)
            #expect(hash.hexadecimal.count == 64)
        }
        for count in [0, 31, 33] { #expect(Hash256(bytes: [UInt8](repeating: 0, count: count)) == nil) }
    }
}
