import ExposureKeys
import FeedFormat
import Foundation
import Testing

/// The files of docs/vectors and the list of them, vectors.json.
struct VectorList: Codable {
    /// The list in words.
    var about: String
    /// `from until name+id+base64` of every region's key.
    var keys: [String: [String]]
    /// Note keys of the authorities, and how many of them must have signed a roster.
    var authorities: [String]
    var threshold: Int
    /// Unix seconds at which rosters are read.
    var now: Int64
    var vectors: [Vector]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/vectors")
        .standardizedFileURL

    static func read() throws -> VectorList {
        try JSONDecoder().decode(VectorList.self, from: try Data(contentsOf: folder.appending(path: "vectors.json")))
    }

    func keys(of region: Region) -> [RosterRegion.Key]? {
        keys[region.code]?.compactMap { text in
            let parts = text.split(separator: " ")
            guard parts.count == 3, let from = Int64(parts[0]), let until = Int64(parts[1]),
                let verifier = NoteVerifier(parts[2])
            else { return nil }
            return RosterRegion.Key(verifier: verifier, notBefore: from, notAfter: until)
        }
    }
}

struct Vector: Codable, CustomTestStringConvertible {
    /// Path in the folder; its first part is the form.
    var file: String
    var about: String
    /// For checkpoints and ranges: the feed asked for.
    var region: String?
    var epoch: String?
    /// For ranges: which one, and the file of the frontier where it begins if that is not 0.
    var level: Int?
    var index: UInt64?
    var frontier: String?
    /// For indexes: the file of the settled part.
    var settled: String?
    /// What a reader finds, or the name of its error.
    var content: JSON?
    var error: String?

    var testDescription: String { file }
    var form: String { String(file.prefix { $0 != "/" }) }

    func bytes(_ path: String? = nil) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: VectorList.folder.appending(path: path ?? file)))
    }

    /// Decodes bytes of this form.
    func content(of bytes: [UInt8], in list: VectorList) throws -> JSON {
        switch form {
        case "batch": try JSON(batch: try Batch(bytes))
        case "checkpoint": JSON(checkpoint: try checkpoint(bytes, in: list))
        case "fork": JSON(fork: try ForkProof(bytes[...]) { list.keys(of: $0) })
        case "frontier": JSON(frontier: try Frontier(bytes: bytes[...]))
        case "index": try index(bytes, in: list)
        case "range": try range(bytes, in: list)
        case "roster": JSON(roster: try roster(bytes, in: list))
        case "settled": JSON(entries: try IndexPart(bytes: bytes[...]).entries)
        default: throw FormatError(.unknownFormat, "vectors of the form \(form)")
        }
    }

    private func feed() throws -> FeedID {
        let code = try #require(region)
        let digits = try #require(epoch)
        return FeedID(region: try #require(Region(code)), epoch: try #require(Epoch(hexadecimal: digits)))
    }

    private func checkpoint(_ bytes: [UInt8], in list: VectorList) throws -> SignedCheckpoint {
        let feed = try feed()
        return try SignedCheckpoint(
            bytes[...],
            region: feed.region,
            epoch: feed.epoch,
            keys: list.keys(of: feed.region) ?? []
        )
    }

    private func range(_ bytes: [UInt8], in list: VectorList) throws -> JSON {
        let level = try #require(level)
        let number = try #require(index)
        let range = try #require(FeedRange(level: level, index: number))
        let body = try RangeBody(bytes[...], range: range)
        let start = try frontier.map { try Frontier(bytes: try self.bytes($0)[...]) } ?? Frontier()
        let feed = try feed()
        var tail = FeedTail(feed: feed, frontier: start)
        let keys = list.keys(of: feed.region) ?? []
        let verified = try tail.append(body.batches, checkpoint: body.checkpoint, keys: keys)
        return [
            "leaves": .list(verified.leaves.map { .string($0.hexadecimal) }),
            "checkpoint": JSON(checkpoint: verified.checkpoint),
        ]
    }

    private func index(_ bytes: [UInt8], in list: VectorList) throws -> JSON {
        let index = try FeedIndex(bytes[...], keys: { list.keys(of: $0) })
        let file: String = try #require(settled)
        let entries = try index.entries(with: try IndexPart(bytes: try self.bytes(file)[...]))
        return ["node": .string(index.node.code), "time": .number(index.time), "entries": JSON(entries: entries)]
    }

    private func roster(_ bytes: [UInt8], in list: VectorList) throws -> Roster {
        try Roster(
            bytes[...],
            authorities: list.authorities.compactMap { NoteVerifier($0) },
            threshold: list.threshold,
            now: list.now
        )
    }
}

extension JSON {
    init(batch: Batch) throws {
        let keys = try batch.keys().map { JSON(key: $0.data.bytes, $0.metadata) }
        let dayKeys = try batch.bluezoneKeys().map { JSON(key: $0.firstSubKey.bytes, $0.metadata) }
        self = [
            "number": .number(Int64(batch.number)),
            "publication": .number(Int64(batch.publication.number)),
            "sections": .list(batch.sections.map { "kind \($0.kind.number) encoding \($0.encoding)" }),
            "predecessors": .list(try batch.predecessors().map { .string($0.description) }),
            "keys": .list(keys),
            "bluezone": .list(dayKeys),
            "leaf": .string(batch.leafHash.hexadecimal),
        ]
    }

    private init(key bytes: [UInt8], _ metadata: KeyMetadata) {
        let hexadecimal = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let onset = metadata.daysSinceOnset.map { String($0) } ?? "-"
        let numbers = "\(metadata.rollingStart) \(metadata.rollingPeriod) \(metadata.reportType.rawValue)"
        self = .string("\(hexadecimal) \(numbers) \(metadata.transmissionRisk) \(onset)")
    }

    init(checkpoint signed: SignedCheckpoint) {
        self = [
            "size": .number(Int64(signed.checkpoint.size)),
            "root": .string(signed.checkpoint.root.hexadecimal),
            "time": .number(signed.time),
        ]
    }

    init(frontier: Frontier) {
        self = [
            "size": .number(Int64(frontier.size)),
            "hashes": .list(frontier.hashes.map { .string($0.hexadecimal) }),
            "root": .string(frontier.root.hexadecimal),
        ]
    }

    init(entries: [IndexEntry]) {
        self = .list(
            entries.map { entry in
                let prefix = entry.rootPrefix.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                return "\(entry.feed.region) \(entry.feed.epoch.description) \(entry.first) \(entry.count) \(prefix)"
            }
        )
    }

    init(roster: Roster) {
        let regions = roster.regions.map { region in
            JSON.object([
                "region": .string(region.id.code),
                "vi": .string(region.vietnameseName),
                "en": .string(region.englishName),
                "operator": .string(region.operatorName),
                "keys": .list(region.keys.map { "\($0.notBefore) \($0.notAfter) \($0.verifier.text)" }),
                "certificates": .list(
                    region.certificates.map { "\($0.notBefore) \($0.notAfter) \(Base64.encode($0.hash.bytes))" }
                ),
                "closed": .list(region.closures.map { JSON(closure: $0) }),
                "public": .string(region.publicEndpoint),
                "peer": .string(region.peerEndpoint),
                "successor": region.successor.map { .string($0.code) } ?? .null,
            ])
        }
        self = [
            "version": .number(Int64(roster.version)),
            "previous": roster.previous.map { .string($0.hexadecimal) } ?? .null,
            "earlier": .list(roster.earlier.map { .string($0.hexadecimal) }),
            "issued": .number(roster.issued),
            "expires": .number(roster.expires),
            "hash": .string(roster.hash.hexadecimal),
            "regions": .list(regions),
        ]
    }

    init(closure: RosterRegion.Closure) {
        self = [
            "key": .string(closure.key.text),
            "stands": .list(
                closure.standing.map {
                    "\($0.epoch.description) \($0.size.description) \(Base64.encode($0.root.bytes))"
                }
            ),
        ]
    }
}
