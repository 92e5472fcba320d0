import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// Regions with their keys, and the roster that lists them.
struct Country {
    let authority: NoteSigner
    let authorities: RosterAuthorities
    let signers: [(region: Region, signer: NoteSigner)]
    let roster: Roster
    /// The roster, signed.
    let note: [UInt8]

    init(
        _ codes: [String],
        version: UInt64 = 1,
        previous: Hash256? = nil,
        earlier: [Hash256] = [],
        expires: Int64 = 4_000_000_000,
        successors: [String: String] = [:],
        operators: [String: String] = [:]
    ) throws {
        authority = try #require(
            NoteSigner(name: "authority", algorithm: .ed25519, seed: [UInt8](repeating: 200, count: 32))
        )
        authorities = try #require(RosterAuthorities(verifiers: [authority.verifier], threshold: 1))
        var signers: [(Region, NoteSigner)] = []
        var entries: [RosterRegion] = []
        for code in codes {
            let region = try #require(Region(code))
            let signer = try Country.signer(of: region)
            signers.append((region, signer))
            entries.append(
                try #require(
                    RosterRegion(
                        id: region,
                        vietnameseName: "Tỉnh \(code)",
                        englishName: "Province \(code)",
                        operatorName: operators[code] ?? "CDC \(code)",
                        keys: [RosterRegion.Key(verifier: signer.verifier, notBefore: 0, notAfter: 4_000_000_000)],
                        publicEndpoint: "http://\(code.lowercased()).example:80",
                        peerEndpoint: "https://\(code.lowercased()).example:443",
                        successor: successors[code].flatMap { Region($0) }
                    )
                )
            )
        }
        self.signers = signers
        roster = try #require(
            Roster(
                version: version,
                previous: previous,
                earlier: earlier,
                issued: 1,
                expires: expires,
                regions: entries
            )
        )
        note = try roster.signed(by: [authority])
    }

    static func signer(of region: Region) throws -> NoteSigner {
        let seed = Array(region.code.utf8) + [UInt8](repeating: 7, count: 32)
        return try #require(
            NoteSigner(name: KeytideNames.signer(region), algorithm: .cosignature, seed: Array(seed.prefix(32)))
        )
    }

    func feed(_ code: String, epoch: UInt64 = 1) throws -> PublishedFeed {
        let region = try #require(Region(code))
        return PublishedFeed(
            FeedID(region: region, epoch: Epoch(epoch)),
            signer: try Country.signer(of: region)
        )
    }
}

/// A moment for all tests, and keys around it.
enum Sample {
    /// 2021-08-01T00:00:00Z.
    static let now: Int64 = 1_627_776_000
    static let interval = Interval(unixSeconds: now)

    /// Keys of one day each that end `daysAgo` days before `interval` or at it.
    static func keys(
        _ count: Int,
        daysAgo: Int = 1,
        reportType: ReportType = .confirmed,
        using random: inout SplitMix64
    ) throws -> [DiagnosisKey] {
        let start = interval.advanced(by: -Int64(daysAgo + 1) * Interval.perDay)
        let metadata = try #require(
            KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: reportType, transmissionRisk: 4)
        )
        return (0..<count).map { _ in
            DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata)
        }
    }
}
