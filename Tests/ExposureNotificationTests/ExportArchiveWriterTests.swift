import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct ExportArchiveWriterTests {
    static let signer = ExportSigningKey()

    @Test(arguments: [0, 1, 2, 100, 5000])
    func whatIsWrittenIsReadAgain(count: Int) throws {
        var random = SplitMix64(seed: UInt64(count))
        let keys = randomKeys(count, using: &random)
        let revised = randomKeys(count / 10, using: &random)
        let bytes = try writer().archive(of: keys, revised: revised, signedWith: Self.signer)
        let archive = try ExportArchive.open(bytes, verifiedWith: Self.signer.verificationKey)
        #expect(archive.keys == keys.sorted { $0.data < $1.data } + revised.sorted { $0.data < $1.data })
        #expect(archive.revisedCount == revised.count && archive.rejected.isEmpty)
        #expect(archive.start == 1_608_681_600 && archive.end == 1_608_768_000 && archive.region == "VN")
        #expect(archive.signatureInfos == [writer().signatureInfo])
        #expect(archive.batchNumber == 1 && archive.batchSize == 1)
    }

    @Test func theOrderOfTheInputLeavesNoTrace() throws {
        var random = SplitMix64(seed: 7)
        // Two reports of one key data as well.
        let keys = randomKeys(50, using: &random)
        let twice =
            keys + randomKeys(50, using: &random).map { DiagnosisKey(data: keys[3].data, metadata: $0.metadata) }
        let file = try writer().exportFile(of: twice)
        for _ in 0..<20 { #expect(try writer().exportFile(of: twice.shuffled(using: &random)) == file) }
    }

    @Test func archivesDifferOnlyInTheirSignature() throws {
        var random = SplitMix64(seed: 8)
        let keys = randomKeys(10, using: &random)
        let one = try ExportArchive.open(writer().archive(of: keys, signedWith: Self.signer))
        let other = try ExportArchive.open(writer().archive(of: keys, signedWith: ExportSigningKey()))
        #expect(one.hasSameExportFile(as: other))
        try one.verify(with: Self.signer.verificationKey)
        #expect(code { try other.verify(with: Self.signer.verificationKey) } == .wrongSignature)
    }

    @Test func numberedFilesOfAWindow() throws {
        var numbered = writer()
        (numbered.batchNumber, numbered.batchSize) = (2, 5)
        let archive = try ExportArchive.open(numbered.archive(of: [], signedWith: Self.signer))
        #expect(archive.batchNumber == 2 && archive.batchSize == 5)
    }

    @Test func whatTheFormatCannotHoldIsRefused() throws {
        let late = try #require(
            KeyMetadata(rollingStart: Interval(1 << 31), rollingPeriod: 1, reportType: .confirmed)
        )
        let key = DiagnosisKey(data: KeyData(high: 1, low: 2), metadata: late)
        #expect(code { _ = try writer().exportFile(of: [key]) } == .notRepresentable)
        var backwards = writer()
        backwards.end = backwards.start - 1
        #expect(code { _ = try backwards.exportFile(of: []) } == .notRepresentable)
        var before1970 = writer()
        before1970.start = -1
        #expect(code { _ = try before1970.exportFile(of: []) } == .notRepresentable)
        var wordy = writer()
        wordy.region = String(repeating: "x", count: 257)
        #expect(code { _ = try wordy.exportFile(of: []) } == .notRepresentable)
        wordy.region = String(repeating: "x", count: 256)
        #expect(try ExportArchive.open(wordy.archive(of: [], signedWith: Self.signer)).region == wordy.region)
    }
}
