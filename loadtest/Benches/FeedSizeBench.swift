import ArgumentParser
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation

/// How many bytes the keys of an export archive take as one batch, against the least that is possible.
struct FeedSizeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed-size",
        abstract: "Bytes of each archive's keys as one batch, over the information bound.",
        discussion: """
            The bound is the sum over groups of keys with equal metadata of 128 n - log2(n!) bits: what the key bytes \
            take if nothing is spent on their order, and nothing on metadata, headers and hashes. All keys of the \
            archive are in the batch, those outside the 15 days of its publication as well. It is decoded and compared.
            """
    )

    @Argument(help: "Export archives.", completion: .file())
    var archives: [String]

    func run() throws {
        let checkpoint = try FeedSizeBench.longestCheckpoint()
        for path in archives {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            try measure(
                ExportArchive.open(bytes),
                name: (path as NSString).lastPathComponent,
                size: bytes.count,
                checkpoint
            )
            .print()
        }
    }

    private func measure(_ archive: ExportArchive, name: String, size: Int, _ checkpoint: Int) throws -> ResultLine {
        guard archive.rejected.isEmpty else {
            throw BenchError("\(name) has \(archive.rejected.count) entries that are no keys; take another archive")
        }
        let publication = Interval(unixSeconds: archive.end)
        let batch = try Batch(Batch.encode(number: 0, publication: publication, keys: archive.keys))
        let expected = archive.keys.sorted(by: DiagnosisKey.precedesInBatch)
        let section = batch.sections.first { $0.kind == .diagnosisKeys }
        guard try section.map({ try KeysSection.decode($0.payload(.liblz4)) }) ?? [] == expected else {
            throw BenchError("\(name) does not decode to the keys that were encoded")
        }
        let groups = KeyGroup.groups(of: expected)
        var table = BitWriter()
        if !groups.isEmpty { GroupTable.write(groups, to: &table) }
        let tableBytes = Double(table.finish().count)
        let bound = FeedSizeBench.bound(of: groups)
        let outside = archive.keys.count {
            !Expiry.mayCarry(keyEnding: $0.metadata.end, publishedAt: publication)
        }
        let ours = Double(batch.bytes.count)
        return ResultLine(
            bench: "feed-size",
            case: name,
            peer: "export archive",
            ours: ours,
            theirs: Double(size),
            limit: bound,
            ratio: bound > 0 ? ours / bound : nil,
            unit: "bytes",
            further: [
                ("keys", Double(archive.keys.count)), ("groups", Double(groups.count)),
                ("tableBytesPerGroup", groups.isEmpty ? .nan : tableBytes / Double(groups.count)),
                ("checkpointBytes", Double(checkpoint)),
                ("theirsRatio", bound > 0 ? Double(size) / bound : .nan),
                ("keysOutsideWindow", Double(outside)),
            ]
        )
    }

    /// The information bound in bytes.
    static func bound(of groups: [KeyGroup]) -> Double {
        let bits = groups.reduce(0) { sum, group in
            let count = Double(group.count)
            return sum + 128 * count - lgamma(count + 1) / log(2)
        }
        return bits / 8
    }

    /// Size of a checkpoint with the longest region code and the largest feed.
    private static func longestCheckpoint() throws -> Int {
        guard let region = Region("VN-01-0000000001"),
            let signer = NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 7, count: 32)
            )
        else { throw BenchError("no signer for the checkpoint") }
        let checkpoint = Checkpoint(
            region: region,
            epoch: Epoch(startUnixSeconds: 1_608_768_000, random: 1),
            size: UInt64(FormatLimits.batchesPerFeed),
            root: Hash256(hashing: [])
        )
        return try checkpoint.signed(by: signer, time: 1_608_768_000).bytes.count
    }
}
