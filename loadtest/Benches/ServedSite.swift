import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import RegionalNode
import Replication

/// A size of range, and how many requests for it make a round of half a second or more.
struct ServedSize {
    let name: String
    /// Bytes aimed at; no range is smaller than one key and the checkpoint, 248 bytes.
    let bytes: Int
    let requests: Int

    var isSmall: Bool { bytes <= 1024 }

    static let all = [
        ServedSize(name: "200B", bytes: 200, requests: 200_000),
        ServedSize(name: "1KiB", bytes: 1024, requests: 200_000),
        ServedSize(name: "64KiB", bytes: 65_536, requests: 20_000),
        ServedSize(name: "1MiB", bytes: 1_048_576, requests: 1500),
    ]
}

/// One range of the node's feed.
struct ServedRange {
    let size: ServedSize
    let path: String
    let bytes: [UInt8]
}

/// A region's node with a store that holds ranges, and the same ranges as files for other servers.
struct ServedSite {
    static let region = "VN-01"

    let directory: String
    let isCleartext: Bool
    let ranges: [ServedRange]
    let nodePort: Int

    /// - Parameter directory: an empty one.
    init(in directory: String, isCleartext: Bool, sizes: [ServedSize]) throws {
        self.directory = directory
        self.isCleartext = isCleartext
        nodePort = try Ports.free()
        let create = [
            "cluster", "create", "--directory", directory + "/cluster", "--regions", ServedSite.region, "--base-port",
            String(nodePort), "--publication-slot", "3600",
        ]
        try Command.run([try Command.keytide()] + create + (isCleartext ? ["--cleartext"] : []))
        ranges = try ServedSite.publish(sizes, in: directory + "/cluster")
        for range in ranges {
            let file = URL(fileURLWithPath: directory + "/files" + range.path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(range.bytes).write(to: file)
        }
    }

    func url(_ port: Int, _ path: String) -> String {
        "\(isCleartext ? "http" : "https")://127.0.0.1:\(port)\(path)"
    }

    /// One batch for each size, published as a node does.
    private static func publish(_ sizes: [ServedSize], in cluster: String) throws -> [ServedRange] {
        let keyText = try String(contentsOfFile: "\(cluster)/\(region).key", encoding: .utf8)
        guard let region = Region(ServedSite.region),
            let signer = NoteSigner(keyText.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw BenchError("keytide cluster create left no signing key in \(cluster)") }
        let path = "\(cluster)/\(ServedSite.region).store"
        let store = try SQLiteFeedStore(path: path)
        let held = try HeldKeyStore(path: HeldKeyStore.path(besideStore: path))
        let publisher = RegionPublisher(region: region, signer: signer, clock: NodeClock(asOf: nil))
        var material = KeyMaterial()
        var ranges: [ServedRange] = []
        for size in sizes {
            let keys = try material.keys(forRangeOf: size.bytes)
            let publication = try publisher.publish(keys, storage: store, held: held, living: [])
            guard let batch = publication.batches.first, publication.batches.count == 1 else {
                throw BenchError("\(keys.count) keys made \(publication.batches.count) batches instead of one")
            }
            let path = "/v1/feeds/\(batch.feed)/0/\(batch.number)"
            ranges.append(ServedRange(size: size, path: path, bytes: Array(batch.bytes) + Array(batch.checkpoint)))
        }
        try held.close()
        try store.close()
        return ranges
    }
}

/// Synthetic keys for batches of given sizes.
private struct KeyMaterial {
    /// Bytes of a checkpoint, about.
    private static let checkpoint = 190
    /// Bytes a key takes in a batch, about.
    private static let keyBytes = 15
    private var random = SystemRandomNumberGenerator()
    private let end = Interval(unixSeconds: Int64(Date().timeIntervalSince1970) - 7200)

    mutating func keys(forRangeOf bytes: Int) throws -> [DiagnosisKey] {
        var count = max(1, (bytes - KeyMaterial.checkpoint) / KeyMaterial.keyBytes)
        let all = ExportSynthesis(patients: count / 5 + 20, end: end).keys(using: &random)
        // Not as sorted, or the first keys would all begin with the same bits; and none whose time ends soon.
        let limit = end.advanced(by: Interval.perDay)
        let usable = all.filter { key in
            key.metadata.end <= end && Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: limit)
        }.shuffled(using: &random)
        for _ in 0..<6 {
            guard count <= usable.count else { throw BenchError("too few keys for a range of \(bytes) bytes") }
            let size = try Batch.encode(number: 1, publication: limit, keys: Array(usable.prefix(count))).count
            count = max(1, count + (bytes - KeyMaterial.checkpoint - size) / KeyMaterial.keyBytes)
        }
        return Array(usable.prefix(min(count, usable.count)))
    }
}
