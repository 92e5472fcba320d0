import Crypto
import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

struct ExportArchiveTests {
    /// Made with Python's zipfile (streaming, so with data descriptors) and cryptography: three keys, one revised.
    static let golden = """
        UEsDBBQACAAIAAAAhlEAAAAAAAAAAAAAAAAKAAAAZXhwb3J0LmJpbnP1VnCtKMgvKlEoM1QAAs6Gs6fiGYBAkEH+DJghxRTmp8Co
        wWgkJ8VUZqjEbGJqpCVsqGekZ2FioGdoYGBiqmeiZ6xnZCXOJeD9VUjfxDXkqPU9vd09l7Y/lpiwbzGjlQKXQJ4J95z/m6tmzFnq
        8mx3BZeOAJtEw97FjAoTgAYbMINU3D645STD/ye94dGxS49ZsDAKMEos2A9UYavBYnDHzkmOS4DD/y3Hzor1vrWSWSVuK7IjBDjg
        ZrACAFBLBwgGukhrvQAAAMcAAABQSwMEFAAIAAgAAACGUQAAAAAAAAAAAAAAAAoAAABleHBvcnQuc2lnAXAAj/8KbgoeGgJ2MSID
        NDUyKhMxLjIuODQwLjEwMDQ1LjQuMy4yEAEYASJIMEYCIQDwhzPWq4aUPzf65xauR9fXnDZ+5/vpY1JN9vohxnc1IQIhAJee6au8
        olsNAjtHLep+dnqlvAxU1wNYXuSSFNKbVSEoUEsHCP1m+gR1AAAAcAAAAFBLAQIUAxQACAAIAAAAhlEGukhrvQAAAMcAAAAKAAAA
        AAAAAAAAAACAAQAAAABleHBvcnQuYmluUEsBAhQDFAAIAAgAAACGUf1m+gR1AAAAcAAAAAoAAAAAAAAAAAAAAIAB9QAAAGV4cG9y
        dC5zaWdQSwUGAAAAAAIAAgBwAAAAogEAAAAA
        """
    static let goldenKey = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGj90MZE2z4/v8uOhXD0Pg02WXFjC
        TiKRHBPSokg3IpB/5Jadb2jpI8Q2Yd2xxrcb1aqldV+xekQMyczrXtwtDg==
        -----END PUBLIC KEY-----
        """

    static func goldenBytes() throws -> [UInt8] {
        [UInt8](try #require(Data(base64Encoded: golden, options: .ignoreUnknownCharacters)))
    }

    static func goldenVerificationKey() throws -> ExportVerificationKey {
        try ExportVerificationKey(derOrPEM: Array(goldenKey.utf8))
    }

    static func key(_ hexadecimal: UInt64, _ low: UInt64, _ metadata: KeyMetadata?) throws -> DiagnosisKey {
        DiagnosisKey(data: KeyData(high: hexadecimal, low: low), metadata: try #require(metadata))
    }

    @Test func anArchiveOfAnotherWriterIsRead() throws {
        let archive = try ExportArchive.open(Self.goldenBytes(), verifiedWith: Self.goldenVerificationKey())
        #expect(archive.start == 1_607_126_400 && archive.end == 1_607_212_800 && archive.region == "VN")
        #expect(
            archive.signatureInfos == [SignatureInfo(verificationKeyVersion: "v1", verificationKeyID: "452")]
        )
        let day = Interval(2_678_400)
        func metadata(_ days: Int64, _ period: Int, _ type: ReportType, _ risk: Int, _ onset: Int?) -> KeyMetadata? {
            KeyMetadata(
                rollingStart: day.advanced(by: 144 * days),
                rollingPeriod: period,
                reportType: type,
                transmissionRisk: risk,
                daysSinceOnset: onset
            )
        }
        #expect(
            archive.keys == [
                try Self.key(0x4bf5_122f_3445_54c5, 0x3bde_2ebb_8cd2_b7e3, metadata(1, 144, .unknown, 0, nil)),
                try Self.key(0x6e34_0b9c_ffb3_7a98, 0x9ca5_44e6_bb78_0a2c, metadata(0, 144, .confirmed, 6, -2)),
                try Self.key(0xdbc1_b4c9_00ff_e48d, 0x575b_5da5_c638_0401, metadata(2, 61, .recursive, 1, 4014)),
                try Self.key(0x084f_ed08_b978_af4d, 0x7d19_6a74_46a8_6b58, metadata(0, 144, .revoked, 8, nil)),
            ]
        )
        #expect(archive.revisedCount == 1 && archive.rejected.isEmpty)
    }

    @Test func verifyingAfterwardsIsTheSame() throws {
        let archive = try ExportArchive.open(Self.goldenBytes())
        try archive.verify(with: Self.goldenVerificationKey())
        let other = ExportSigningKey().verificationKey
        #expect(code { try archive.verify(with: other) } == .wrongSignature)
        #expect(
            code { _ = try ExportArchive.open(Self.goldenBytes(), verifiedWith: other) } == .wrongSignature
        )
    }

    @Test func noBeginningOfAnArchiveIsOne() throws {
        let bytes = try Self.goldenBytes()
        for length in bytes.indices {
            let cut = code { _ = try ExportArchive.open(Array(bytes[..<length])) }
            #expect(cut == (length < 4 ? .notAnArchive : .truncated), "\(length) bytes")
            // Without its beginning the offsets are wrong, or there is no end record.
            let tail = code { _ = try ExportArchive.open(Array(bytes[(length + 1)...])) }
            #expect(tail == .memberCorrupt || tail == .notAnArchive, "last \(bytes.count - length - 1) bytes")
        }
    }

    /// A changed byte is either refused, or one of those that mean nothing (dates, attributes, the descriptor that
    /// repeats the directory) and then changes nothing.
    @Test func noAlterationChangesWhatIsRead() throws {
        let bytes = try Self.goldenBytes()
        let key = try Self.goldenVerificationKey()
        let original = try ExportArchive.open(bytes, verifiedWith: key)
        var refused: [ExportError.Code] = []
        for position in bytes.indices {
            for mask: UInt8 in [0x01, 0x10, 0x80, 0xff] {
                var altered = bytes
                altered[position] ^= mask
                do {
                    let archive = try ExportArchive.open(altered, verifiedWith: key)
                    #expect(archive.keys == original.keys && archive.hasSameExportFile(as: original))
                } catch {
                    refused.append(error.code)
                }
            }
        }
        #expect(!refused.contains(.internalFailure))
        #expect(refused.count > bytes.count * 4 * 6 / 10, "only \(refused.count) of \(bytes.count * 4) were refused")
        // The checksums guard the content, so what is left to find is in the archive's records.
        for expected: ExportError.Code in [.truncated, .memberCorrupt, .memberUnexpected, .unsupportedArchive] {
            #expect(refused.contains(expected), "\(expected)")
        }
    }

    @Test func theSignatureIsCheckedBeforeTheKeysAreDecoded() throws {
        let signer = P256.Signing.PrivateKey()
        let key = try ExportVerificationKey(derOrPEM: Array(signer.publicKey.derRepresentation))
        let broken = Forge.export([0x3b])
        let signature = try Forge.signature(over: Forge.export([]), by: signer)
        func archive(_ export: [UInt8], _ signatures: [UInt8]) -> [UInt8] {
            Forge.zip([Forge.Member("export.bin", export), Forge.Member("export.sig", signatures)])
        }
        let forged = archive(broken, Forge.signatures([([], signature)]))
        #expect(code { _ = try ExportArchive.open(forged, verifiedWith: key) } == .wrongSignature)
        #expect(code { _ = try ExportArchive.open(forged) } == .malformedMessage)
        let itsOwn = archive(broken, Forge.signatures([([], try Forge.signature(over: broken, by: signer))]))
        #expect(code { _ = try ExportArchive.open(itsOwn, verifiedWith: key) } == .malformedMessage)
    }

    @Test func oneGoodSignatureAmongOthersIsEnough() throws {
        let signer = P256.Signing.PrivateKey()
        let key = try ExportVerificationKey(derOrPEM: Array(signer.publicKey.derRepresentation))
        let export = Forge.export(Forge.field(7, Forge.entry(1)))
        let good = try Forge.signature(over: export, by: signer)
        let foreign = try Forge.signature(over: export, by: P256.Signing.PrivateKey())
        let sha512 = Forge.field(5, "1.2.840.10045.4.3.4")
        let sha256 = Forge.field(5, SignatureInfo.ecdsaWithSHA256)
        func codeOf(_ signatures: [(info: [UInt8], der: [UInt8])]) -> ExportError.Code? {
            let members = [
                Forge.Member("export.bin", export), Forge.Member("export.sig", Forge.signatures(signatures)),
            ]
            return code { _ = try ExportArchive.open(Forge.zip(members), verifiedWith: key) }
        }
        #expect(codeOf([([], good)]) == nil)
        #expect(codeOf([(sha256, foreign), ([], [1, 2, 3]), (sha512, foreign), (sha256, good)]) == nil)
        #expect(codeOf([(sha256, foreign)]) == .wrongSignature)
        #expect(codeOf([([], [1, 2, 3])]) == .wrongSignature)
        #expect(codeOf([([], good.dropLast())]) == .wrongSignature)
        #expect(codeOf([([], good + [0])]) == .wrongSignature)
        #expect(codeOf([(sha512, good)]) == .noSignature)
        #expect(codeOf([([], [])]) == .noSignature)
        #expect(codeOf([]) == .noSignature)
        #expect(codeOf(Array(repeating: ([], good), count: 10)) == nil)
        #expect(codeOf(Array(repeating: ([], good), count: 11)) == .tooLarge)
    }

    /// Mutations below the checksum, where only the decoder stands: it throws a named error or gives keys in range.
    @Test func mutatedMessagesNeverBreakTheDecoder() throws {
        var random = SplitMix64(seed: 0x6b65_7974)
        let seed = try writer().exportFile(
            of: randomKeys(12, using: &random),
            revised: randomKeys(3, using: &random)
        )
        var outcomes: [Bool] = []
        for _ in 0..<20_000 {
            var export = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&export, using: &random) }
            do {
                let archive = try ExportArchive.open(Forge.unsigned(export), limits: ExportLimits(keys: 40))
                #expect(archive.keys.count + archive.rejected.count <= 40)
                #expect(archive.keys.allSatisfy { KeyMetadata.rollingPeriods.contains($0.metadata.rollingPeriod) })
                #expect(
                    archive.keys.allSatisfy { KeyMetadata.transmissionRisks.contains($0.metadata.transmissionRisk) }
                )
                outcomes.append(true)
            } catch {
                let codes: [ExportError.Code] = [.malformedMessage, .notAnExport, .tooLarge]
                #expect(codes.contains(error.code), "\(error)")
                outcomes.append(false)
            }
        }
        #expect(outcomes.contains(true) && outcomes.contains(false))
    }

    /// The same from the outside, where the archive's records are hit too.
    @Test func mutatedArchivesNeverBreakTheReader() throws {
        var random = SplitMix64(seed: 0x7469_6465)
        let seeds = [try Self.goldenBytes(), Forge.zip([ZipReaderTests.export, ZipReaderTests.signatures])]
        var refused = 0
        for turn in 0..<20_000 {
            var bytes = seeds[turn % 2]
            for _ in 0..<Int.random(in: 1...3, using: &random) { mutate(&bytes, using: &random) }
            if let code = code(of: { _ = try ExportArchive.open(bytes, limits: ExportLimits(inflatedBytes: 1 << 16)) })
            {
                #expect(code != .internalFailure)
                refused += 1
            }
        }
        #expect(refused > 10_000)
    }
}

/// One small change: a bit, a byte, an interesting value, a piece cut out, repeated or moved.
func mutate(_ bytes: inout [UInt8], using random: inout SplitMix64) {
    guard !bytes.isEmpty else { return }
    let position = Int.random(in: bytes.indices, using: &random)
    let length = Int.random(in: 1...min(24, bytes.count - position), using: &random)
    let piece = Array(bytes[position..<position + length])
    switch Int.random(in: 0..<7, using: &random) {
    case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[position] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes[position] = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
    case 3: bytes.removeSubrange(position..<position + length)
    case 4: bytes.insert(contentsOf: piece, at: Int.random(in: bytes.indices, using: &random))
    case 5: bytes.replaceSubrange(position..<position + length, with: [UInt8](repeating: 0xff, count: length))
    default: bytes.removeSubrange(position...)
    }
}
