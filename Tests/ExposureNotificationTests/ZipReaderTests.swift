import ExposureNotification
import Testing

/// What the archive level refuses, seen through `ExportArchive.open`.
struct ZipReaderTests {
    static let export = Forge.Member("export.bin", Forge.export(Forge.field(7, Forge.entry(1))))
    static let signatures = Forge.Member("export.sig", [])

    static func codeOfOpening(_ bytes: [UInt8], _ limits: ExportLimits = .standard) -> ExportError.Code? {
        code { _ = try ExportArchive.open(bytes, limits: limits) }
    }

    static func wordsOfOpening(_ bytes: [UInt8]) -> String? {
        do {
            _ = try ExportArchive.open(bytes, limits: .standard)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The code for an archive whose `export.bin` is described otherwise than it is.
    static func codeOfLying(_ lie: (inout Forge.Member) -> Void) -> ExportError.Code? {
        var member = export
        lie(&member)
        return codeOfOpening(Forge.zip([signatures, member]))
    }

    @Test func storedMembersInEitherOrderAndWithACommentAreRead() throws {
        for members in [[Self.export, Self.signatures], [Self.signatures, Self.export]] {
            let archive = try ExportArchive.open(Forge.zip(members, comment: Array("made by hand".utf8)))
            #expect(archive.keys.count == 1)
        }
    }

    @Test func bytesThatAreNoArchiveAreNamedSo() {
        #expect(Self.codeOfOpening([]) == .notAnArchive)
        #expect(Self.codeOfOpening(Array("<html>404</html>".utf8)) == .notAnArchive)
        #expect(Self.codeOfOpening([UInt8](repeating: 0x50, count: 100_000)) == .notAnArchive)
        #expect(Self.codeOfOpening(Array(Forge.zip([Self.export, Self.signatures]).dropLast())) == .truncated)
    }

    @Test func exactlyTheTwoMembersAreAccepted() {
        #expect(Self.codeOfOpening(Forge.zip([])) == .memberMissing)
        #expect(Self.codeOfOpening(Forge.zip([Self.export])) == .memberMissing)
        #expect(Self.codeOfOpening(Forge.zip([Self.signatures])) == .memberMissing)
        #expect(Self.codeOfOpening(Forge.zip([Self.export, Self.export])) == .memberUnexpected)
        #expect(Self.codeOfOpening(Forge.zip([Self.export, Self.signatures, Self.export])) == .memberUnexpected)
        #expect(Self.codeOfOpening(Forge.zip([Self.export, Forge.Member("export.txt", [])])) == .memberUnexpected)
        #expect(Self.codeOfOpening(Forge.zip([Self.export, Forge.Member("\u{7}", [])])) == .memberUnexpected)
        let longName = String(repeating: "x", count: 60_000)
        #expect(Self.codeOfOpening(Forge.zip([Self.export, Forge.Member(longName, [])])) == .memberUnexpected)
    }

    @Test func lyingRecordsAreRefused() {
        #expect(Self.codeOfLying { $0.checksum ^= 1 } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.size += 1 } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.size -= 1 } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.packedSize += 1 } == .memberCorrupt)
        #expect(
            Self.codeOfLying {
                $0.packedSize = .max - 1; $0.size = .max - 1
            } == .memberCorrupt
        )
        #expect(Self.codeOfLying { $0.localName = "export.bim" } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.localName = "export.binary" } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.localSize = 7 } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.offset = .max } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.offset = 3 } == .memberCorrupt)
        #expect(Self.codeOfLying { $0.offset = 0 } == .memberCorrupt, "that is the other member")
    }

    @Test func featuresThatNoExportUsesAreRefused() {
        #expect(Self.codeOfLying { $0.flags = 1 } == .unsupportedArchive, "encrypted")
        #expect(Self.codeOfLying { $0.flags = 1 << 13 } == .unsupportedArchive, "masked headers")
        #expect(Self.codeOfLying { $0.method = 12 } == .unsupportedArchive, "bzip2")
        // ZIP64: counts and offsets that point elsewhere.
        var archive = Forge.zip([Self.export, Self.signatures])
        archive.replaceSubrange(archive.count - 6..<archive.count - 2, with: [0xff, 0xff, 0xff, 0xff])
        #expect(Self.codeOfOpening(archive) == .unsupportedArchive)
        #expect(Self.wordsOfOpening(archive)?.contains("ZIP64, which no phone reads: have it made again") == true)
        // Bytes before the archive make all offsets wrong.
        #expect(Self.codeOfOpening([0, 1, 2] + Forge.zip([Self.export, Self.signatures])) == .memberCorrupt)
    }

    @Test func membersOverTheSameBytesAreRefused() {
        // The second member lies inside the content of the first.
        let inner = Forge.zip([Forge.Member("export.sig", [])])
        let outer = Forge.Member("export.bin", inner)
        var second = Forge.Member("export.sig", [])
        second.offset = UInt32(30 + "export.bin".utf8.count)
        #expect(Self.codeOfOpening(Forge.zip([outer, second])) == .memberCorrupt)
    }

    @Test func whatIsNotADeflateStreamIsRefused() {
        #expect(Self.codeOfLying { $0.method = 8 } == .memberCorrupt)
        let zeros = Forge.deflatedZeros(runs: 4)
        func codeOfDeflated(_ content: [UInt8], size: Int) -> ExportError.Code? {
            Self.codeOfLying {
                $0.content = content
                $0.method = 8
                $0.packedSize = UInt32(content.count)
                $0.size = UInt32(size)
                $0.checksum = Forge.checksum([UInt8](repeating: 0, count: 1 + 258 * 4))
            }
        }
        #expect(codeOfDeflated(zeros, size: 1 + 258 * 4) == .notAnExport, "it inflates, to zeros")
        #expect(codeOfDeflated(zeros, size: 258 * 4) == .memberCorrupt, "longer than declared")
        #expect(codeOfDeflated(zeros, size: 2 + 258 * 4) == .memberCorrupt, "shorter than declared")
        #expect(codeOfDeflated(zeros + [0], size: 1 + 258 * 4) == .memberCorrupt, "something behind the stream")
        #expect(codeOfDeflated(zeros.dropLast(), size: 1 + 258 * 4) == .memberCorrupt, "cut short")
        #expect(codeOfDeflated(zeros, size: 0) == .memberCorrupt)
    }

    @Test func bombsAreRefusedByTheirDeclaredAndTheirRealSize() {
        let runs = 300_000
        let bomb = Forge.deflatedZeros(runs: runs)
        func codeOfBomb(declaring size: Int, _ limits: ExportLimits = .standard) -> ExportError.Code? {
            var member = Self.export
            member.content = bomb
            member.method = 8
            member.packedSize = UInt32(bomb.count)
            member.size = UInt32(size)
            return Self.codeOfOpening(Forge.zip([Self.signatures, member]), limits)
        }
        #expect(codeOfBomb(declaring: 1 + 258 * runs) == .tooLarge, "77 MB, as declared")
        #expect(codeOfBomb(declaring: 1000) == .memberCorrupt, "77 MB, declared as 1 kB")
        #expect(codeOfBomb(declaring: 4_000_000_000) == .memberCorrupt, "more than deflate can hold")
        #expect(codeOfBomb(declaring: 1 + 258 * runs, ExportLimits(inflatedBytes: 100 << 20)) == .memberCorrupt, "CRC")
    }

    @Test func theLimitCountsBothMembersToTheByte() {
        let archive = Forge.zip([Self.export, Forge.Member("export.sig", Forge.field(9, 1))])
        let size = Self.export.content.count + Forge.field(9, 1).count
        #expect(Self.codeOfOpening(archive, ExportLimits(inflatedBytes: size)) == nil)
        #expect(Self.codeOfOpening(archive, ExportLimits(inflatedBytes: size - 1)) == .tooLarge)
    }
}
