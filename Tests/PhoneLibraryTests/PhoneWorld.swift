import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

/// Two regions with their feeds, sightings of some of their keys, and all of it in the files that PhoneExerciser reads.
struct PhoneWorld {
    /// 2021-08-01T00:00:00Z.
    static let now: Int64 = 1_627_776_000
    static let node = "http://vn-01.example"

    let authorities: RosterAuthorities
    let encounters: [Encounter]
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        let authority = try #require(NoteSigner(name: "authority", algorithm: .ed25519, seed: PhoneWorld.seed(200)))
        authorities = try #require(RosterAuthorities(verifiers: [authority.verifier], threshold: 1))
        var random = SplitMix64(seed: 101)
        var feeds: [Feed] = []
        for (number, code) in ["VN-01", "VN-02"].enumerated() {
            feeds.append(try Feed(code, seed: UInt8(number), using: &random))
        }
        encounters = PhoneWorld.sightings(of: feeds.map(\.keys), using: &random)
        try scratch.write(authorities.text.utf8, "authorities")
        try scratch.write(encounters.map(PhoneWorld.line).joined().utf8, "sightings")
        try put(try PhoneWorld.roster(of: feeds).signed(by: [authority]), at: "/v1/roster")
        let index = try FeedIndex(
            node: feeds[0].id.region,
            time: PhoneWorld.now,
            fresh: IndexPart(feeds.compactMap(\.entry)),
            settled: IndexPart([]),
            signer: feeds[0].signer
        )
        try put(index.bytes, at: "/v1/index")
        for feed in feeds {
            for (path, body) in try feed.answers() { try put(body, at: path) }
        }
    }

    private func put(_ body: [UInt8], at path: String) throws {
        try scratch.write(body, path.replacing("/", with: "_"))
    }

    fileprivate static func seed(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    private static func roster(of feeds: [Feed]) throws -> Roster {
        let regions = try feeds.map { feed in
            let host = feed.id.region.code.lowercased() + ".example"
            return try #require(
                RosterRegion(
                    id: feed.id.region,
                    vietnameseName: "Tỉnh \(feed.id.region)",
                    englishName: "Province \(feed.id.region)",
                    operatorName: "CDC \(feed.id.region)",
                    keys: [RosterRegion.Key(verifier: feed.signer.verifier, notBefore: 0, notAfter: 4_000_000_000)],
                    publicEndpoint: "http://\(host):80",
                    peerEndpoint: "https://\(host):443"
                )
            )
        }
        return try #require(Roster(version: 1, previous: nil, issued: 1, expires: 4_000_000_000, regions: regions))
    }

    /// Half an hour with one phone, ten minutes with another that says how loud it is, a moment with a third, and
    /// strangers.
    private static func sightings(of keys: [[DiagnosisKey]], using random: inout SplitMix64) -> [Encounter] {
        func encounters(_ key: DiagnosisKey, minutes: Int, _ strength: (ProximityIdentifier) -> SignalStrength)
            -> [Encounter]
        {
            let start = key.metadata.rollingStart.unixSeconds + 36_000
            return (0..<minutes).map { minute in
                let time = start + Int64(60 * minute)
                let identifier = RollingProximityKey(key: key.data).identifier(at: Interval(unixSeconds: time))
                return Encounter(time: time, identifier: identifier, strength: strength(identifier))
            }
        }
        let loud = keys[1][0]
        let metadata = AssociatedMetadata(transmitPower: -10)
        var all = encounters(keys[0][0], minutes: 30) { _ in .attenuation(40) }
        all += encounters(loud, minutes: 10) { identifier in
            let sealed = AssociatedMetadataKey(key: loud.data).encrypt(metadata, broadcastWith: identifier)
            return .sealed(rssi: -70, metadata: sealed)
        }
        all += encounters(keys[1][8], minutes: 1) { _ in .rssi(-80) }
        for _ in 0..<20 {
            let stranger = ProximityIdentifier(high: random.next(), low: random.next())
            all.append(Encounter(time: now - 86_400, identifier: stranger, schedule: .bluezone, strength: .rssi(-60)))
        }
        return all
    }

    /// As `run.c` reads it.
    private static func line(_ encounter: Encounter) -> String {
        func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
        let strength =
            switch encounter.strength {
            case .attenuation(let level): "0 \(level) 00000000"
            case .rssi(let level): "1 \(level) 00000000"
            case .sealed(let level, let metadata): "2 \(level) \(String(format: "%08x", metadata))"
            }
        let identifier = hexadecimal(encounter.broadcastIdentifier)
        return "\(encounter.time) \(identifier) \(encounter.schedule.rawValue) \(strength)\n"
    }
}

/// What a region has published: three batches of four keys.
private struct Feed {
    let id: FeedID
    let signer: NoteSigner
    let batches: [Batch]
    let keys: [DiagnosisKey]

    init(_ code: String, seed: UInt8, using random: inout SplitMix64) throws {
        id = FeedID(region: try #require(Region(code)), epoch: Epoch(1))
        signer = try #require(
            NoteSigner(name: KeytideNames.signer(id.region), algorithm: .cosignature, seed: PhoneWorld.seed(seed))
        )
        let now = Interval(unixSeconds: PhoneWorld.now)
        var batches: [Batch] = []
        var keys: [DiagnosisKey] = []
        for number in 0..<3 {
            let metadata = try #require(
                KeyMetadata(
                    rollingStart: now.advanced(by: -Int64(3 + number) * Interval.perDay),
                    rollingPeriod: 144,
                    reportType: number == 2 ? .selfReport : .confirmed,
                    daysSinceOnset: number
                )
            )
            let published = (0..<4).map { _ in
                DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata)
            }
            batches.append(try Batch(number: UInt64(number), publication: now, keys: published))
            keys += published
        }
        (self.batches, self.keys) = (batches, keys)
    }

    private func frontier(at size: Int) -> Frontier { Frontier(leaves: batches.prefix(size).map(\.leafHash)) }

    var entry: IndexEntry? {
        IndexEntry(feed: id, first: 0, count: UInt64(batches.count), root: frontier(at: batches.count).root)
    }

    /// The bodies of all ranges that the feed fills, by path.
    func answers() throws -> [(path: String, body: [UInt8])] {
        let base = "/v1/feeds/\(id)"
        var answers: [(String, [UInt8])] = []
        for (level, index) in [(0, 0), (0, 1), (0, 2), (1, 0)] {
            let end = (index + 1) << level
            let part = batches[(index << level)..<end]
            let checkpoint = try Checkpoint(
                region: id.region,
                epoch: id.epoch,
                size: UInt64(end),
                root: frontier(at: end).root
            ).signed(by: signer, time: PhoneWorld.now)
            answers.append(("\(base)/\(level)/\(index)", part.flatMap(\.bytes) + checkpoint.bytes))
            answers.append(("\(base)/hashes/\(level)/\(index)", part.flatMap { $0.leafHash.bytes }))
        }
        for size in 0...batches.count { answers.append(("\(base)/frontier/\(size)", frontier(at: size).bytes)) }
        return answers
    }
}

/// The same files as `world.c` gives them.
struct FileTransport: SyncTransport {
    let node = PhoneWorld.node
    let scratch: Scratch

    func get(_ path: String, ifNoneMatch: String?, limit: Int) throws -> TransportResponse {
        let file = scratch.file(path.replacing("/", with: "_"))
        guard let body = FileManager.default.contents(atPath: file) else { return TransportResponse(status: 404) }
        let etag = "\"\(body.count)\""
        if etag == ifNoneMatch { return TransportResponse(status: 304, etag: etag) }
        return TransportResponse(status: 200, etag: etag, body: [UInt8](body))
    }
}
