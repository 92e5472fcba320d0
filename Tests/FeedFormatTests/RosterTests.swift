import ExposureKeys
import FeedFormat
import Testing

struct RosterTests {
    static func roster(
        regions count: Int = 2,
        version: UInt64 = 1,
        issued: Int64 = 1_600_000_000,
        expires: Int64 = 1_610_000_000
    ) throws -> Roster {
        let regions = try (1..<count + 1).map { number in
            let code = number < 10 ? "VN-0\(number)" : "VN-\(number)"
            return try #require(
                RosterRegion(
                    id: try Samples.region(code),
                    vietnameseName: "Tỉnh số \(number)",
                    englishName: "Province \(number)",
                    operatorName: "Department of Health",
                    keys: Samples.rosterKeys(try Samples.signer(code))
                        + (number == 2
                            ? Samples.rosterKeys(try Samples.signer(code, seed: 2), from: -5, until: 7) : []),
                    publicEndpoint: "http://127.0.0.1:80\(number)",
                    peerEndpoint: "http://127.0.0.1:90\(number)",
                    successor: number == 2 ? try Samples.region() : nil
                )
            )
        }
        let previous = version == 1 ? nil : Hash256(hashing: [1])
        let earlier = (0..<min(999, version - min(version, 2))).map { Hash256(hashing: [UInt8($0 & 0xff), 2]) }
        return try #require(
            Roster(
                version: version,
                previous: previous,
                earlier: earlier,
                issued: issued,
                expires: expires,
                regions: regions.reversed()
            )
        )
    }

    private static let now: Int64 = 1_605_000_000

    private func authorities(_ numbers: ClosedRange<UInt8>) throws -> [NoteSigner] {
        try numbers.map { try Samples.authority($0) }
    }

    private func read(
        _ bytes: [UInt8],
        authorities: [NoteSigner]? = nil,
        threshold: Int = 2,
        now: Int64 = RosterTests.now
    ) throws -> Roster {
        try Roster(
            bytes[...],
            authorities: try (authorities ?? self.authorities(1...3)).map(\.verifier),
            threshold: threshold,
            now: now
        )
    }

    @Test(arguments: [0, 1, 2, 63])
    func roundTrip(regions: Int) throws {
        for version: UInt64 in [1, 2, 3, 1000, 1001, UInt64(Int64.max)] {
            let made = try RosterTests.roster(regions: regions, version: version)
            let bytes = try made.signed(by: try authorities(1...2))
            let read = try read(bytes)
            #expect(read.text == made.text)
            #expect(read.hash == made.hash)
            #expect(read.regions == made.regions)
            #expect((read.version, read.issued, read.expires) == (version, 1_600_000_000, 1_610_000_000))
            #expect(read.previous == made.previous)
            #expect(read.earlier == made.earlier)
        }
    }

    @Test func everyTwoOfThreeAuthorities() throws {
        let roster = try RosterTests.roster()
        let all = try authorities(1...3)
        for (left, right) in [(0, 1), (0, 2), (1, 2)] {
            #expect(try read(try roster.signed(by: [all[left], all[right]])).version == 1)
        }
        #expect(try read(try roster.signed(by: all)).version == 1)
        for one in all {
            #expect(throws: FormatError.with(.missingSignature)) { try read(try roster.signed(by: [one])) }
            #expect(try read(try roster.signed(by: [one]), threshold: 1).version == 1)
            #expect(throws: FormatError.with(.missingSignature)) {
                try read(try roster.signed(by: [one, try Samples.authority(9)]))
            }
        }
        #expect(throws: FormatError.with(.missingSignature)) { try read(try roster.signed(by: all), threshold: 4) }
    }

    @Test func nobodyIsNotEnough() throws {
        let bytes = try RosterTests.roster().signed(by: [try Samples.authority(9)])
        for threshold in [0, -1, 1] {
            #expect(throws: FormatError.with(.missingSignature)) { try read(bytes, threshold: threshold) }
            #expect(throws: FormatError.with(.missingSignature)) {
                try read(bytes, authorities: [], threshold: threshold)
            }
        }
    }

    @Test func oneAuthorityCountsOnce() throws {
        let roster = try RosterTests.roster()
        let one = try Samples.authority(1)
        let alias = try #require(
            NoteSigner(name: "keytide/alias", algorithm: .ed25519, seed: [UInt8](repeating: 0xa1, count: 32))
        )
        #expect(alias.verifier.publicKey == one.verifier.publicKey)
        #expect(throws: FormatError.with(.missingSignature)) {
            try read(try roster.signed(by: [one, one]), authorities: [one, one])
        }
        #expect(throws: FormatError.with(.missingSignature)) {
            try read(try roster.signed(by: [one, alias]), authorities: [one, alias])
        }
    }

    @Test func oneWrongSignatureSpoilsIt() throws {
        let roster = try RosterTests.roster()
        let other = try RosterTests.roster(version: 2)
        let signers = try authorities(1...3)
        var signatures = try signers.map { try $0.sign(roster.text, time: 0) }
        signatures[1] = try signers[1].sign(other.text, time: 0)
        let bytes = SignedNote.bytes(text: roster.text, signatures: signatures)
        #expect(throws: FormatError.with(.wrongSignature)) { try read(bytes) }
        #expect(try read(bytes, authorities: [signers[0], signers[2]]).version == 1)
    }

    @Test func expiry() throws {
        let bytes = try RosterTests.roster().signed(by: try authorities(1...2))
        #expect(try read(bytes, now: 1_609_999_999).version == 1)
        #expect(throws: FormatError.with(.expired)) { try read(bytes, now: 1_610_000_000) }
        #expect(throws: FormatError.with(.expired)) { try read(bytes, now: .max) }
    }

    @Test func everyAlteredByteIsRefused() throws {
        let bytes = try RosterTests.roster().signed(by: try authorities(1...2))
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1
            #expect(throws: FormatError.self) { try read(altered) }
        }
    }

    @Test func regionsAreFound() throws {
        let roster = try RosterTests.roster(regions: 63)
        for region in roster.regions {
            #expect(roster.region(region.id) == region)
            #expect(roster.keys(of: region.id) == region.keys)
        }
        for code in ["AA", "VN", "VN-01-001", "VN-64", "ZZ"] {
            #expect(roster.region(try Samples.region(code)) == nil)
            #expect(roster.keys(of: try Samples.region(code)) == nil)
        }
    }

    /// A key counts from its beginning to before its end, and for its own region alone.
    @Test func keysCountInTheirTime() throws {
        let roster = try Self.roster()
        let second = try Samples.signer("VN-02", seed: 2).verifier
        let region = try Samples.region("VN-02")
        #expect([-6, -5, 6, 7].map { roster.counts(second, of: region, at: $0) } == [false, true, true, false])
        #expect(try !roster.counts(second, of: Samples.region("VN-01"), at: 0))
        #expect(try !roster.counts(second, of: Samples.region("XX-99"), at: 0))
    }

    @Test func contradictionsAreNotMade() throws {
        let hash = Hash256(hashing: [])
        let region = try #require(try RosterTests.roster().regions.first)
        #expect(Roster(version: 0, previous: nil, issued: 1, expires: 2, regions: []) == nil)
        #expect(Roster(version: 1, previous: hash, issued: 1, expires: 2, regions: []) == nil)
        #expect(Roster(version: 2, previous: nil, issued: 1, expires: 2, regions: []) == nil)
        #expect(Roster(version: 2, previous: hash, issued: 1, expires: 2, regions: []) != nil)
        for (version, count): (UInt64, Int) in [(1, 1), (2, 1), (3, 0), (3, 2), (5000, 998), (5000, 1000)] {
            let earlier = [Hash256](repeating: hash, count: count)
            let previous = version == 1 ? nil : hash
            #expect(
                Roster(version: version, previous: previous, earlier: earlier, issued: 1, expires: 2, regions: [])
                    == nil
            )
        }
        #expect(Roster(version: 1, previous: nil, issued: 2, expires: 2, regions: []) == nil)
        #expect(Roster(version: 1, previous: nil, issued: -1, expires: 2, regions: []) == nil)
        #expect(Roster(version: 1, previous: nil, issued: 1, expires: 2, regions: [region, region]) == nil)
    }

    private func region(name: String = "n", keys: Int = 1) throws -> RosterRegion? {
        RosterRegion(
            id: try Samples.region(),
            vietnameseName: name,
            englishName: "n",
            operatorName: "n",
            keys: [RosterRegion.Key](repeating: Samples.rosterKeys(try Samples.signer())[0], count: keys),
            publicEndpoint: "u",
            peerEndpoint: "u"
        )
    }

    @Test func textsOfARegion() throws {
        #expect(try region(name: String(repeating: "n", count: 200)) != nil)
        for name in ["", String(repeating: "n", count: 201), "a\nb", "a\tb", "\u{7f}", "a\r\nb"] {
            #expect(try region(name: name) == nil)
        }
        #expect(try region(keys: 8) != nil)
        #expect(try region(keys: 0) == nil)
        #expect(try region(keys: 9) == nil)
    }

    @Test func namesKeepTheirCodePoints() throws {
        // A mark that joins the space before it, and a letter in two parts.
        for name in ["\u{301}a", "Ha\u{300} No\u{323}\u{302}i", "Hà Nội", " x ", "\u{200d}"] {
            let region = try #require(try region(name: name))
            let made = try #require(Roster(version: 1, previous: nil, issued: 1, expires: .max, regions: [region]))
            let read = try read(try made.signed(by: try authorities(1...2)))
            #expect(read.regions.first.map { Array($0.vietnameseName.utf8) } == Array(name.utf8))
        }
    }

    @Test func nothingUnreadableIsSigned() throws {
        let roster = try RosterTests.roster()
        #expect(throws: FormatError.with(.limitExceeded)) { try roster.signed(by: []) }
        let one = try Samples.authority(1)
        #expect(throws: FormatError.with(.limitExceeded)) {
            try roster.signed(by: [NoteSigner](repeating: one, count: 65))
        }
        let long = String(repeating: "n", count: 200)
        var regions: [RosterRegion] = []
        for number in 1000..<5000 {
            regions.append(
                try #require(
                    RosterRegion(
                        id: try Samples.region("VN-\(number)"),
                        vietnameseName: long,
                        englishName: long,
                        operatorName: long,
                        keys: Samples.rosterKeys(try Samples.signer()),
                        publicEndpoint: long,
                        peerEndpoint: long
                    )
                )
            )
        }
        let large = try #require(Roster(version: 1, previous: nil, issued: 1, expires: 2, regions: regions))
        #expect(throws: FormatError.with(.limitExceeded)) { try large.signed(by: [one]) }
    }
}
