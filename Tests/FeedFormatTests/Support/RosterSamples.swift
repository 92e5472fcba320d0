import ExposureKeys
import FeedFormat
import Testing

extension Samples {
    /// A region of a roster, with the parts that a test is about.
    static func rosterRegion(
        _ code: String = "VN-01",
        keys: [RosterRegion.Key]? = nil,
        certificates: [RosterRegion.Certificate] = [],
        closures: [RosterRegion.Closure] = [],
        successor: String? = nil
    ) throws -> RosterRegion? {
        RosterRegion(
            id: try region(code),
            vietnameseName: "Tỉnh \(code)",
            englishName: "Province \(code)",
            operatorName: "Department of Health",
            keys: try keys ?? rosterKeys(try signer(code)),
            certificates: certificates,
            closures: closures,
            publicEndpoint: "https://\(code).example",
            peerEndpoint: "https://\(code).example:8443",
            successor: try successor.map { try region($0) }
        )
    }

    static func certificate(_ number: UInt8, from: Int64 = 1_600_000_000) -> RosterRegion.Certificate {
        RosterRegion.Certificate(hash: Hash256(hashing: [number]), notBefore: from, notAfter: from + 90 * 86400)
    }

    /// What stands of so many epochs.
    static func standing(_ count: Int, size: UInt64 = 42) -> [RosterRegion.Closure.Standing] {
        (0..<UInt64(count)).map {
            .init(epoch: Epoch(epoch.value + $0), size: size + $0, root: Hash256(hashing: [UInt8($0 & 0xff)]))
        }
    }

    static func closure(seed: UInt8, of code: String = "VN-01", standing count: Int) throws -> RosterRegion.Closure {
        try #require(RosterRegion.Closure(key: try signer(code, seed: seed).verifier, standing: standing(count)))
    }

    /// Version 4: a region with everything that may be listed, and one retired into it that has no keys any more.
    static func fullRoster() throws -> Roster {
        let full = try #require(
            try rosterRegion(
                certificates: [certificate(1), certificate(2, from: -5)],
                closures: [try closure(seed: 2, standing: 2), try closure(seed: 3, standing: 0)]
            )
        )
        let retired = try #require(try rosterRegion("VN-02", keys: [], successor: "VN-01"))
        return try #require(
            Roster(
                version: 4,
                previous: Hash256(hashing: [3]),
                earlier: [Hash256(hashing: [2]), Hash256(hashing: [1])],
                issued: 1_600_000_000,
                expires: 1_610_000_000,
                regions: [full, retired]
            )
        )
    }
}
