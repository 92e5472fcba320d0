import ExposureKeys
import ExposureNotification
import Testing

/// How `export.bin` is decoded, by messages made field by field.
struct ExportMessageTests {
    static func open(_ message: [UInt8], _ limits: ExportLimits = .standard) throws -> ExportArchive {
        try ExportArchive.open(Forge.unsigned(Forge.export(message)), limits: limits)
    }

    static func codeOfOpening(_ message: [UInt8], _ limits: ExportLimits = .standard) -> ExportError.Code? {
        code { _ = try open(message, limits) }
    }

    /// The only key of an export with this one entry.
    static func key(_ rest: [UInt8]) throws -> KeyMetadata? {
        try open(Forge.field(7, Forge.entry(1, rest))).keys.first?.metadata
    }

    static func rejection(_ entry: [UInt8]) throws -> RejectedKey.Reason? {
        let archive = try open(Forge.field(7, entry))
        #expect(archive.keys.count + archive.rejected.count == 1)
        return archive.rejected.first?.reason
    }

    static let start = Forge.field(3, 2_678_400)

    @Test func anEmptyExportHasItsDefaults() throws {
        let archive = try Self.open([])
        #expect(archive.keys.isEmpty && archive.rejected.isEmpty && archive.signatureInfos.isEmpty)
        #expect(archive.start == 0 && archive.end == 0 && archive.region == "")
        #expect(archive.batchNumber == 1 && archive.batchSize == 1)
    }

    @Test func fieldsOfTheExportAreRead() throws {
        let info = Forge.field(1, "a.b") + Forge.field(2, "c.d") + Forge.field(3, "v1") + Forge.field(4, "452")
        let archive = try Self.open(
            Forge.field(1, fixed64: 1_607_126_400) + Forge.field(2, fixed64: 1_607_212_800) + Forge.field(3, "VN")
                + Forge.field(4, 2) + Forge.field(5, 3) + Forge.field(6, info) + Forge.field(6, Forge.field(5, "1.2"))
        )
        #expect(archive.start == 1_607_126_400 && archive.end == 1_607_212_800 && archive.region == "VN")
        #expect(archive.batchNumber == 2 && archive.batchSize == 3)
        let expected = SignatureInfo(
            appBundleID: "a.b",
            androidPackage: "c.d",
            verificationKeyVersion: "v1",
            verificationKeyID: "452",
            signatureAlgorithm: ""
        )
        #expect(archive.signatureInfos == [expected, SignatureInfo(signatureAlgorithm: "1.2")])
    }

    @Test func defaultsOfAKey() throws {
        let metadata = try #require(try Self.key(Self.start))
        #expect(metadata.rollingPeriod == 144 && metadata.reportType == .unknown)
        #expect(metadata.transmissionRisk == 0 && metadata.daysSinceOnset == nil)
        #expect(metadata.rollingStart == Interval(2_678_400))
    }

    @Test func reportTypesHaveTheirNumbers() throws {
        let types: [ReportType] = [.unknown, .confirmed, .clinical, .selfReport, .recursive, .revoked]
        for (number, type) in types.enumerated() {
            #expect(try Self.key(Self.start + Forge.field(5, UInt64(number)))?.reportType == type)
        }
        #expect(try Self.key(Self.start + Forge.field(5, 6))?.reportType == .unknown, "a number without a meaning")
        #expect(try Self.key(Self.start + Forge.field(5, negative: -1))?.reportType == .unknown)
    }

    @Test(arguments: [-8190, -14, -1, 0, 1, 14, 100, 1914, 2000, 3014, 4014, 8190])
    func onsetsAreCarriedInEveryCoding(days: Int) throws {
        let zigzag = UInt64(days < 0 ? -2 * days - 1 : 2 * days)
        #expect(try Self.key(Self.start + Forge.field(6, zigzag))?.daysSinceOnset == days)
    }

    @Test func entriesThatAreNoKeysAreRejectedForTheirReason() throws {
        #expect(try Self.rejection(Self.start) == .keyData)
        #expect(try Self.rejection(Forge.field(1, [1, 2, 3]) + Self.start) == .keyData)
        #expect(try Self.rejection(Forge.field(1, [UInt8](repeating: 1, count: 17)) + Self.start) == .keyData)
        #expect(try Self.rejection(Forge.entry(1, [])) == .rollingStartMissing)
        #expect(try Self.rejection(Forge.entry(1, Forge.field(3, negative: -1))) == .rollingStart)
        #expect(try Self.rejection(Forge.entry(1, Forge.field(3, 1 << 31))) == .rollingStart)
        // Seconds where intervals belong: as an interval it lies in the year 32,000.
        for seconds in [1_608_768_000, 100_000_000, (1 << 31) - 1] as [UInt64] {
            #expect(try Self.rejection(Forge.entry(1, Forge.field(3, seconds))) == .rollingStartInSeconds)
        }
        #expect(try Self.rejection(Forge.entry(1, Forge.field(3, 99_999_999))) == nil)
        for period: Int64 in [0, 145, -1, 1 << 31] {
            #expect(try Self.rejection(Forge.entry(1, Self.start + Forge.field(4, negative: period))) == .rollingPeriod)
        }
        for risk: Int64 in [9, -1, 0x7fff_fffe, -0x8000_0000] {
            let entry = Forge.entry(1, Self.start + Forge.field(2, negative: risk))
            #expect(try Self.rejection(entry) == .transmissionRisk)
        }
        for zigzag: UInt64 in [2 * 8191, 2 * 8191 - 1, UInt64(UInt32.max)] {
            #expect(try Self.rejection(Forge.entry(1, Self.start + Forge.field(6, zigzag))) == .daysSinceOnset)
        }
    }

    /// The largest int32 is what the systems' documents name "unknown": it is none given.
    @Test func theLargestNumberIsNoneGiven() throws {
        let risk = try #require(try Self.key(Self.start + Forge.field(2, 0x7fff_ffff)))
        #expect(risk.transmissionRisk == 0)
        let onset = try Self.key(Self.start + Forge.field(6, 0xffff_fffe))
        #expect(onset != nil && onset?.daysSinceOnset == nil)
        let both = try Self.key(Self.start + Forge.field(2, 0x7fff_ffff) + Forge.field(6, 0xffff_fffe))
        #expect(both != nil)
    }

    @Test func rejectedEntriesCostOnlyThemselves() throws {
        let bad = Forge.field(1, [1])
        let archive = try Self.open(
            Forge.field(7, Forge.entry(1)) + Forge.field(7, bad) + Forge.field(8, Forge.entry(2)) + Forge.field(8, bad)
                + Forge.field(7, Forge.entry(3))
        )
        #expect(archive.keys.map(\.data.bytes.first) == [1, 3, 2], "revised keys come last")
        #expect(archive.revisedCount == 1)
        #expect(archive.rejected.map(\.position) == [1, 3])
    }

    @Test func revisedKeysKeepTheirType() throws {
        let archive = try Self.open(Forge.field(8, Forge.entry(1, Self.start + Forge.field(5, 5))))
        #expect(archive.keys.map(\.metadata.reportType) == [.revoked] && archive.revisedCount == 1)
    }

    @Test func unknownFieldsAndOtherWireTypesArePassedOver() throws {
        let strange =
            Forge.field(99, 7) + Forge.field(100, fixed64: .max) + Forge.field(101, fixed32: 9)
            + Forge.field(536_870_911, "text") + Forge.field(7, 7) + Forge.field(1, 3) + Forge.field(3, 4)
        let key = Forge.entry(1, strange + Self.start + Forge.field(8, 4) + Forge.field(102, "x"))
        let archive = try Self.open(strange + Forge.field(7, key) + strange)
        #expect(archive.keys.count == 1 && archive.start == 0 && archive.region == "")
    }

    @Test func theLastOfSeveralValuesCounts() throws {
        let rest = Forge.field(2, 3) + Self.start + Forge.field(2, 5) + Forge.field(3, 1)
        let metadata = try #require(try Self.key(rest))
        #expect(metadata.transmissionRisk == 5 && metadata.rollingStart == Interval(1))
    }

    @Test func brokenCodingIsMalformed() {
        let ten = [UInt8](repeating: 0xff, count: 9) + [1]
        #expect(Self.codeOfOpening([0x20] + ten) == nil, "ten bytes hold 64 bits")
        #expect(Self.codeOfOpening([0x20] + ten.dropLast() + [2]) == .malformedMessage, "65 bits")
        #expect(Self.codeOfOpening([0x20] + [UInt8](repeating: 0x80, count: 10) + [0]) == .malformedMessage)
        #expect(Self.codeOfOpening([0x20]) == .malformedMessage, "no value")
        #expect(Self.codeOfOpening([0x20, 0x80]) == .malformedMessage, "half a value")
        #expect(Self.codeOfOpening([0x80]) == .malformedMessage, "half a tag")
        #expect(Self.codeOfOpening([0x00, 0x00]) == .malformedMessage, "field 0")
        #expect(Self.codeOfOpening(Forge.varint(1 << 32) + [0]) == .malformedMessage, "field 2^29")
        #expect(Self.codeOfOpening([0x3b]) == .malformedMessage, "a group")
        #expect(Self.codeOfOpening([0x3e]) == .malformedMessage, "wire type 6")
        #expect(Self.codeOfOpening([0x09, 1, 2, 3, 4, 5, 6, 7]) == .malformedMessage)
        #expect(Self.codeOfOpening([0x0d, 1, 2, 3]) == .malformedMessage)
        #expect(Self.codeOfOpening([0x3a, 1]) == .malformedMessage)
        #expect(Self.codeOfOpening([0x3a] + ten) == .malformedMessage, "a length of 2^64 - 1")
        #expect(Self.codeOfOpening(Forge.field(7, [0x0a, 16, 1])) == .malformedMessage, "a key beyond its entry")
        #expect(Self.codeOfOpening(Forge.field(1, fixed64: 1 << 63)) == .malformedMessage)
        #expect(Self.codeOfOpening(Forge.field(3, [0xff])) == .malformedMessage, "not UTF-8")
        #expect(Self.codeOfOpening(Forge.field(3, String(repeating: "x", count: 257))) == .malformedMessage)
    }

    @Test func countsAreBounded() {
        let limits = ExportLimits(keys: 3, signatures: 2)
        let key = Forge.field(7, Forge.entry(1))
        let info = Forge.field(6, [])
        #expect(Self.codeOfOpening(key + key + key + info + info, limits) == nil)
        #expect(Self.codeOfOpening(key + key + key + key, limits) == .tooLarge)
        #expect(Self.codeOfOpening(key + Forge.field(8, []) + Forge.field(8, []) + key, limits) == .tooLarge)
        #expect(Self.codeOfOpening(info + info + info, limits) == .tooLarge)
    }

    @Test func otherHeadersAreRefused() {
        for header in ["", "EK Export v1", "EK Export v2    ", "EK Export v1\0\0\0\0"] {
            #expect(code { _ = try ExportArchive.open(Forge.unsigned(Array(header.utf8))) } == .notAnExport)
        }
    }
}
