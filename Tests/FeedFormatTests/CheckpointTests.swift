import ExposureKeys
import FeedFormat
import Testing

struct CheckpointTests {
    private let root = Hash256(hashing: [1, 2, 3])

    private func checkpoint(_ code: String = "VN-01", size: UInt64 = 42) throws -> Checkpoint {
        Checkpoint(region: try Samples.region(code), epoch: Samples.epoch, size: size, root: root)
    }

    /// Signs any text with the key of VN-01.
    private func signed(_ text: String, time: Int64 = Samples.time) throws -> [UInt8] {
        SignedNote.bytes(text: text, signatures: [try Samples.signer().sign(text, time: time)])
    }

    private func read(_ bytes: [UInt8], keys: [RosterRegion.Key]? = nil) throws -> SignedCheckpoint {
        try SignedCheckpoint(
            bytes[...],
            region: try Samples.region(),
            epoch: Samples.epoch,
            keys: try keys ?? Samples.rosterKeys(try Samples.signer())
        )
    }

    @Test func text() throws {
        #expect(
            try checkpoint().text
                == "keytide/VN-01/5f8a0b1c01020304\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n"
        )
    }

    @Test func roundTrip() throws {
        for size: UInt64 in [1, 9, 131_072] {
            let made = try checkpoint(size: size).signed(by: try Samples.signer(), time: Samples.time)
            let read = try read(made.bytes)
            #expect(read == made)
            #expect(read.checkpoint == (try checkpoint(size: size)))
            #expect(read.time == Samples.time)
        }
    }

    @Test func atMost300Bytes() throws {
        let region = "ABCDEFGHIJKLM-01"
        #expect(region.utf8.count == Region.maximumLength)
        let signer = try Samples.signer(region)
        let made = try checkpoint(region, size: 131_072).signed(by: signer, time: .max - 1)
        #expect(made.bytes.count == 229)
        let read = try SignedCheckpoint(
            made.bytes[...],
            region: try Samples.region(region),
            epoch: Samples.epoch,
            keys: Samples.rosterKeys(signer, until: .max)
        )
        #expect(read == made)
    }

    @Test(
        arguments: [
            "keytide/VN-01/5f8a0b1c01020304\n42\n",
            "keytide/VN-01/5f8a0b1c01020304\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\nextension\n",
            "keytide/VN-01/5f8a0b1c01020304\n042\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n+42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n-1\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n0\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n131073\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n18446744073709551616\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n",
            "keytide/VN-01/5f8a0b1c01020304\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4=\n",
            "keytide/VN-01/5f8a0b1c01020304\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4F=\n",
            "keytide/VN-01/5f8a0b1c01020304\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=A5BY\n",
        ]
    )
    func malformedTexts(_ text: String) throws {
        #expect(throws: FormatError.with(.malformedNote)) { try read(try signed(text)) }
    }

    @Test(
        arguments: [
            "keytide/VN-02/5f8a0b1c01020304", "keytide/VN-01/5f8a0b1c01020305", "keytide/VN-01/5F8A0B1C01020304",
            "VN-01",
        ]
    )
    func otherOrigins(_ origin: String) throws {
        let text = "\(origin)\n42\nA5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=\n"
        #expect(throws: FormatError.with(.wrongPosition)) { try read(try signed(text)) }
    }

    @Test func signaturesCountWhileTheKeyIsValid() throws {
        let signer = try Samples.signer()
        let keys = Samples.rosterKeys(signer, from: 100, until: 200)
        for time: Int64 in [100, 150, 199] {
            #expect(try read(try signed(try checkpoint().text, time: time), keys: keys).time == time)
        }
        for time: Int64 in [0, 99, 200, .max] {
            #expect(throws: FormatError.with(.missingSignature)) {
                try read(try signed(try checkpoint().text, time: time), keys: keys)
            }
        }
    }

    @Test func oneOfSeveralKeysIsEnough() throws {
        let bytes = try signed(try checkpoint().text)
        let own = Samples.rosterKeys(try Samples.signer())
        let other = Samples.rosterKeys(try Samples.signer(seed: 2))
        let closed = Samples.rosterKeys(try Samples.signer(), until: 1_600_000_001)
        #expect(try read(bytes, keys: other + own).time == Samples.time)
        #expect(try read(bytes, keys: closed + own).time == Samples.time)
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes, keys: other) }
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes, keys: closed) }
        #expect(throws: FormatError.with(.missingSignature)) { try read(bytes, keys: []) }
        // A signature without a time says nothing of when the key was used.
        let seed = [UInt8](repeating: 1, count: 32)
        let plain = try #require(NoteSigner(name: "keytide/VN-01", algorithm: .ed25519, seed: seed))
        let text = try checkpoint().text
        let note = SignedNote.bytes(text: text, signatures: [try plain.sign(text, time: 0)])
        #expect(throws: FormatError.with(.missingSignature)) { try read(note, keys: Samples.rosterKeys(plain)) }
    }

    @Test func everyAlteredByteIsRefused() throws {
        let bytes = try signed(try checkpoint().text)
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1
            #expect(throws: FormatError.self) { try read(altered) }
            #expect(throws: FormatError.self) { try read(Array(bytes[..<position])) }
        }
    }

    @Test func nothingUnreadableIsSigned() throws {
        let signer = try Samples.signer()
        #expect(throws: FormatError.with(.outOfRange)) { try checkpoint(size: 0).signed(by: signer, time: 0) }
        #expect(throws: FormatError.with(.outOfRange)) { try checkpoint(size: 131_073).signed(by: signer, time: 0) }
        #expect(throws: FormatError.with(.outOfRange)) { try checkpoint().signed(by: signer, time: -1) }
    }

    @Test func largestNote() throws {
        // Signatures by witnesses may stand beside the region's, up to 1024 bytes.
        let text = try checkpoint().text
        let signatures = try (0..<9).map { try Samples.signer("VN-0\($0)").sign(text, time: Samples.time) }
        let within = SignedNote.bytes(text: text, signatures: Array(signatures[0..<7]))
        #expect(within.count <= 1024)
        #expect(try read(within).time == Samples.time)
        let beyond = SignedNote.bytes(text: text, signatures: signatures)
        #expect(throws: FormatError.with(.limitExceeded)) { try read(beyond) }
    }
}
