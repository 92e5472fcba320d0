import ExposureKeys
import ExposureNotification

#if FUZZING
    import Support
#endif

/// An export archive: as it is, as the message in `export.bin`, and as `export.sig`.
enum ExportFuzz {
    private static let limits = ExportLimits(inflatedBytes: 1 << 20, keys: 1000)
    private static let publisher = Publisher(seed: 2)
    private static let key = publisher.flatMap { try? ExportVerificationKey(derOrPEM: $0.publicKey) }
    /// Good for an export without content alone.
    private static let signatures = publisher?.signatures(over: Publisher.header) ?? []

    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let key, !signatures.isEmpty else { return false }
        let message = Publisher.archive(export: Publisher.header + bytes, signatures: signatures)
        let signed = Publisher.archive(export: Publisher.header, signatures: bytes)
        guard [bytes, message, signed].allSatisfy({ agree($0, key: key) }) else { return false }
        // A signature over something else is never enough.
        return bytes.isEmpty || (try? ExportArchive.open(message, verifiedWith: key, limits: limits)) == nil
    }

    /// Verifying while opening and verifying afterwards come to the same; what was read keeps its promises.
    private static func agree(_ bytes: [UInt8], key: ExportVerificationKey) -> Bool {
        let verified = try? ExportArchive.open(bytes, verifiedWith: key, limits: limits)
        guard let archive = try? ExportArchive.open(bytes, limits: limits) else { return verified == nil }
        let isGood: Bool
        do {
            try archive.verify(with: key)
            isGood = true
        } catch {
            isGood = false
        }
        if let verified {
            guard verified.keys == archive.keys, verified.hasSameExportFile(as: archive) else { return false }
        }
        return isGood == (verified != nil) && isInRange(archive) && comesBack(archive)
    }

    private static func isInRange(_ archive: ExportArchive) -> Bool {
        let positions = archive.rejected.map(\.position)
        let count = archive.keys.count + positions.count
        return count <= limits.keys && archive.signatureInfos.count <= limits.signatures && archive.start >= 0
            && archive.end >= 0 && archive.region.utf8.count <= 256
            && (0...archive.keys.count).contains(archive.revisedCount)
            && positions.allSatisfy { (0..<count).contains($0) }
            && zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 }
            && archive.keys.allSatisfy { key in
                let data = key.metadata
                return KeyMetadata.rollingPeriods.contains(data.rollingPeriod)
                    && KeyMetadata.transmissionRisks.contains(data.transmissionRisk)
                    && data.daysSinceOnset.map(KeyMetadata.onsetDays.contains) ?? true
            }
    }

    /// What was read can be written and read again; the writer sorts the keys.
    private static func comesBack(_ archive: ExportArchive) -> Bool {
        let writer = ExportArchiveWriter(
            start: min(archive.start, archive.end),
            end: archive.end,
            region: archive.region,
            signatureInfo: archive.signatureInfos.first ?? SignatureInfo(),
            batchNumber: Int32(clamping: archive.batchNumber),
            batchSize: Int32(clamping: archive.batchSize)
        )
        let fresh = archive.keys.dropLast(archive.revisedCount)
        let revised = archive.keys.suffix(archive.revisedCount)
        guard let export = try? writer.exportFile(of: Array(fresh), revised: Array(revised)),
            let again = try? ExportArchive.open(Publisher.archive(export: export, signatures: []), limits: limits)
        else { return false }
        return again.start == writer.start && again.end == writer.end && again.region == writer.region
            && again.batchNumber == archive.batchNumber && again.batchSize == archive.batchSize
            && again.signatureInfos == [writer.signatureInfo] && again.rejected.isEmpty
            && again.revisedCount == archive.revisedCount && again.keys == sorted(fresh) + sorted(revised)
    }

    private static func sorted(_ keys: ArraySlice<DiagnosisKey>) -> [DiagnosisKey] {
        keys.sorted { $0.data != $1.data ? $0.data < $1.data : $0.metadata < $1.metadata }
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(ExportFuzz.holds) }
    }
#endif
