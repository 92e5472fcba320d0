import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// Values that many tests need: one region, one epoch, its keys, and batches of a feed.
enum Samples {
    static let epoch = Epoch(0x5f8a_0b1c_0102_0304)
    static let publication = Interval(2_670_000)
    /// A time within the validity of every sample key.
    static let time: Int64 = 1_602_000_000

    static func region(_ code: String = "VN-01") throws -> Region { try #require(Region(code)) }

    static func feed(_ code: String = "VN-01") throws -> FeedID {
        FeedID(region: try region(code), epoch: epoch)
    }

    static func signer(_ code: String = "VN-01", seed: UInt8 = 1) throws -> NoteSigner {
        try #require(
            NoteSigner(
                name: KeytideNames.signer(try region(code)),
                algorithm: .cosignature,
                seed: [UInt8](repeating: seed, count: 32)
            )
        )
    }

    static func authority(_ number: UInt8) throws -> NoteSigner {
        try #require(
            NoteSigner(
                name: "keytide/authority-\(number)",
                algorithm: .ed25519,
                seed: [UInt8](repeating: 0xa0 + number, count: 32)
            )
        )
    }

    static func rosterKeys(
        _ signer: NoteSigner,
        from notBefore: Int64 = 1_600_000_000,
        until notAfter: Int64 = 1_700_000_000
    ) -> [RosterRegion.Key] {
        [RosterRegion.Key(verifier: signer.verifier, notBefore: notBefore, notAfter: notAfter)]
    }

    static func metadata(
        end: Interval = publication,
        period: Int = 144,
        type: ReportType = .confirmed,
        risk: Int = 0,
        onset: Int? = nil
    ) throws -> KeyMetadata {
        try #require(
            KeyMetadata(
                rollingStart: end.advanced(by: -Int64(period)),
                rollingPeriod: period,
                reportType: type,
                transmissionRisk: risk,
                daysSinceOnset: onset
            )
        )
    }

    /// Metadata of a key that a batch published at `publication` may carry.
    static func metadata(using generator: inout SplitMix64) throws -> KeyMetadata {
        try metadata(
            end: publication.advanced(by: -Int64.random(in: 0..<Expiry.batchLifetime, using: &generator)),
            period: Bool.random(using: &generator) ? 144 : Int.random(in: 1...144, using: &generator),
            type: ReportType.allCases.randomElement(using: &generator) ?? .unknown,
            risk: Int.random(in: 0...8, using: &generator),
            onset: Bool.random(using: &generator) ? nil : Int.random(in: -20...20, using: &generator)
        )
    }

    /// Random keys that share at most `groups` different metadata.
    static func keys(_ count: Int, groups: Int, using generator: inout SplitMix64) throws -> [DiagnosisKey] {
        var metadata: [KeyMetadata] = []
        for _ in 0..<groups { metadata.append(try self.metadata(using: &generator)) }
        return (0..<count).map { position in
            DiagnosisKey(
                data: KeyData(high: generator.next(), low: generator.next()),
                metadata: metadata[position < groups ? position : Int.random(in: 0..<groups, using: &generator)]
            )
        }
    }

    static func subKey(using generator: inout SplitMix64) -> BluezoneSubKey {
        BluezoneSubKey(generator.next(), generator.next(), generator.next(), generator.next())
    }

    /// A Bluezone day key of the last day that was over at `publication`, or one so many days before.
    static func dayKey(
        _ subKey: BluezoneSubKey,
        daysBefore: UInt32 = 0,
        type: ReportType = .confirmed,
        risk: Int = 0,
        onset: Int? = nil
    ) throws -> BluezoneDayKey {
        let end = Interval((publication.number / 144 - daysBefore) * 144)
        let metadata = try metadata(end: end, type: type, risk: risk, onset: onset)
        return try #require(BluezoneDayKey(firstSubKey: subKey, metadata: metadata))
    }

    /// Random Bluezone day keys that a batch published at `publication` may carry.
    static func dayKeys(_ count: Int, using generator: inout SplitMix64) throws -> [BluezoneDayKey] {
        try (0..<count).map { _ in
            try dayKey(
                subKey(using: &generator),
                daysBefore: UInt32.random(in: 0...14, using: &generator),
                type: ReportType.allCases.randomElement(using: &generator) ?? .unknown,
                risk: Int.random(in: 0...2, using: &generator),
                onset: Bool.random(using: &generator) ? nil : Int.random(in: -3...3, using: &generator)
            )
        }
    }

    /// Batches 0 to `count` - 1 of a feed, a few keys each.
    static func batches(_ count: Int, seed: UInt64 = 1) throws -> [Batch] {
        var generator = SplitMix64(seed: seed)
        return try (0..<UInt64(count)).map { number in
            let keys = try keys(Int(number) % 4, groups: 1, using: &generator)
            return try Batch(number: number, publication: publication, keys: keys)
        }
    }

    /// The signed checkpoint over all of `batches`.
    static func checkpoint(
        _ batches: [Batch],
        code: String = "VN-01",
        epoch: Epoch = epoch,
        size: UInt64? = nil
    ) throws -> SignedCheckpoint {
        let checkpoint = Checkpoint(
            region: try region(code),
            epoch: epoch,
            size: size ?? UInt64(batches.count),
            root: Frontier(leaves: batches.map(\.leafHash)).root
        )
        return try checkpoint.signed(by: try signer(code), time: time)
    }

    /// A batch around a body, with the preamble that its length asks for.
    static func batch(body: [UInt8]) -> [UInt8] {
        var bytes = Array("KTB1".utf8)
        bytes.append(bigEndian: UInt32(body.count))
        return bytes + body
    }

    /// A batch around sections that are already encoded.
    static func batch(number: UInt64 = 0, publication: Interval = publication, sections: [[UInt8]]) -> [UInt8] {
        var body: [UInt8] = []
        body.append(bigEndian: publication.number)
        body.append(varint: number)
        body.append(varint: UInt64(sections.count))
        return batch(body: body + sections.flatMap { $0 })
    }

    /// A section that is stored as it is.
    static func section(_ kind: UInt64, _ payload: [UInt8], encoding: UInt8 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: kind)
        bytes.append(encoding)
        bytes.append(varint: UInt64(payload.count))
        return bytes + payload
    }

    /// A section that says of `block` that it decompresses to `size` bytes.
    static func compressedSection(_ kind: UInt64, _ block: [UInt8], size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: kind)
        bytes.append(1)
        bytes.append(varint: UInt64(block.count))
        bytes.append(varint: UInt64(size))
        return bytes + block
    }
}

extension FormatError {
    /// The error that equals every error of this code.
    static func with(_ code: Code) -> FormatError { FormatError(code, "") }
}
