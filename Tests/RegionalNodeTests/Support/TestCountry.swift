import Configuration
import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import Logging
import NIOCore
import RegionalNode
import TestSupport

/// Regions with their keys and a roster, from which nodes are started in this process.
struct TestCountry: Sendable {
    /// 2020-12-24T00:00:00Z.
    static let time: Int64 = 1_608_768_000

    let scratch: Scratch
    let regions: [Region]
    /// Where the roster says that nodes listen.
    let peerPorts: [Int]
    /// Where nodes listen that are reached by a slow way.
    private let slowPorts: [Int]
    let roster: Roster
    /// How a roster lists each of the regions.
    let entries: [RosterRegion]
    private let hasRing: Bool
    private let authority: NoteSigner
    let publisher = ExportSigningKey()
    let slot: Int
    /// By which the nodes know each other; empty for cleartext.
    let certificates: [TestCertificate]

    /// - Parameters:
    ///   - isSecure: all connections over TLS.
    ///   - lastUntil: when the roster's certificate of the last region ends.
    ///   - listed: regions in the first roster, all if nil; if given, neighbours are those of the roster.
    init(
        _ names: [String],
        in scratch: Scratch,
        slot: Int = 3600,
        isSecure: Bool = false,
        lastUntil: Int64 = 4_102_444_800,
        listed: Int? = nil
    ) throws {
        hasRing = listed != nil
        self.scratch = scratch
        self.slot = slot
        regions = names.compactMap { Region($0) }
        peerPorts = try names.map { _ in try Ports.next() }
        slowPorts = try names.map { _ in try Ports.next() }
        authority = try TestCountry.signer("test-authority", .ed25519)
        certificates = try isSecure ? names.map { try TestCertificate($0, validity: TestCountry.certificateTimes) } : []
        var entries: [RosterRegion] = []
        for (number, (region, port)) in zip(regions, peerPorts).enumerated() {
            var named: [RosterRegion.Certificate] = []
            if isSecure {
                try scratch.write(certificates[number].certificatePEM, "\(region).peer.pem")
                try scratch.write(certificates[number].keyPEM, "\(region).peer.key")
                let isLast = number == regions.count - 1
                named = try [TestCountry.listing(certificates[number], until: isLast ? lastUntil : 4_102_444_800)]
            }
            let signer = try TestCountry.signer(KeytideNames.signer(region), .cosignature)
            try scratch.write(signer.text.utf8, "\(region).key")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: scratch.file("\(region).key")
            )
            let key = RosterRegion.Key(verifier: signer.verifier, notBefore: 0, notAfter: 4_102_444_800)
            let entry = RosterRegion(
                id: region,
                vietnameseName: region.code,
                englishName: region.code,
                operatorName: "test",
                keys: [key],
                certificates: named,
                publicEndpoint: "\(isSecure ? "https" : "http")://127.0.0.1:\(port)",
                peerEndpoint: "\(isSecure ? "https" : "http")://127.0.0.1:\(port)"
            )
            guard let entry else { throw TestFailure("\(region) cannot be listed") }
            entries.append(entry)
        }
        self.entries = entries
        let first = Array(entries.prefix(listed ?? entries.count))
        let roster = Roster(version: 1, previous: nil, issued: 0, expires: 4_102_444_800, regions: first)
        guard let roster, let authorities = RosterAuthorities(verifiers: [authority.verifier], threshold: 1) else {
            throw TestFailure("no roster")
        }
        self.roster = roster
        try scratch.write(try roster.signed(by: [authority]), "roster")
        try scratch.write(authorities.text.utf8, "authorities")
    }

    /// The roster after another one, and its signed bytes.
    func next(
        after before: Roster? = nil,
        issued: Int64 = 1,
        expires: Int64 = 4_102_444_800,
        change: ([RosterRegion]) -> [RosterRegion?] = { $0 }
    ) throws -> (roster: Roster, bytes: [UInt8]) {
        let before = before ?? roster
        let regions = change(before.regions).compactMap { $0 }
        guard let next = before.next(issued: issued, expires: expires, regions: regions) else {
            throw TestFailure("no next roster")
        }
        return (next, try next.signed(by: [authority]))
    }

    /// From a year before `time` to 2100.
    private static let certificateTimes = (time - 31_536_000)...4_102_444_800

    /// How a roster names a certificate.
    static func listing(
        _ certificate: TestCertificate,
        from begin: Int64 = 0,
        until end: Int64 = 4_102_444_800
    ) throws -> RosterRegion.Certificate {
        guard let hash = Hash256(bytes: certificate.hash) else { throw TestFailure("a hash of 32 bytes is none") }
        return RosterRegion.Certificate(hash: hash, notBefore: begin, notAfter: end)
    }

    private static func signer(_ name: String, _ algorithm: NoteVerifier.Algorithm) throws -> NoteSigner {
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        guard let signer = NoteSigner(name: name, algorithm: algorithm, seed: seed) else { throw TestFailure(name) }
        return signer
    }

    /// The settings of one of the nodes: linked with the ones before and after it.
    func settings(_ number: Int, asOf: Int64 = TestCountry.time) -> [String: ConfigValue] {
        let region = regions[number]
        let neighbours = [number - 1, number + 1].filter(regions.indices.contains).map { regions[$0].code }
        var texts = [
            "region": region.code, "store": scratch.file("\(region).store"), "listen.public": "127.0.0.1:0",
            "listen.metrics": "127.0.0.1:0",
            "listen.peers": "127.0.0.1:\(peerPorts[number])", "admin.socket": scratch.file("\(region).socket"),
            "roster": scratch.file("roster"), "authorities": scratch.file("authorities"),
            "key": scratch.file("\(region).key"), "asOf": "\(asOf)",
        ]
        if !certificates.isEmpty {
            for name in ["tls", "peers"] {
                texts["\(name).certificate"] = scratch.file("\(region).peer.pem")
                texts["\(name).key"] = scratch.file("\(region).peer.key")
            }
        }
        var settings = texts.mapValues { ConfigValue(.string($0), isSecret: false) }
        if !hasRing { settings["neighbours"] = ConfigValue(.stringArray(neighbours), isSecret: false) }
        settings["publicationSlot"] = ConfigValue(.int(slot), isSecret: false)
        return settings
    }

    /// - Parameters:
    ///   - isSlow: it is reached by `slowWay`, else directly.
    ///   - change: of its settings.
    func node(
        _ number: Int,
        asOf: Int64 = TestCountry.time,
        isSlow: Bool = false,
        openStore: @escaping TestNode.OpenStore = { try SQLiteFeedStore(path: $0) },
        change: (inout NodeConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        let reader = try await NodeConfiguration.reader(
            flags: settings(number, asOf: asOf),
            environment: [:],
            file: nil
        )
        var configuration = try NodeConfiguration(reader)
        if isSlow, let address = HostPort("127.0.0.1:\(slowPorts[number])") { configuration.peerAddress = address }
        change(&configuration)
        return try await TestNode(configuration, openStore: openStore)
    }

    /// Opens the way to a node that takes time.
    func slowWay(to number: Int, roundTrip: TimeAmount) async throws -> SlowWay {
        try await SlowWay(from: peerPorts[number], to: slowPorts[number], roundTrip: roundTrip)
    }

    struct Archive: Sendable {
        let keys: [DiagnosisKey]
        let bytes: [UInt8]
        var data: Set<KeyData> { Set(keys.map(\.data)) }
    }

    /// A signed archive of these keys.
    func archive(of keys: [DiagnosisKey], revised: [DiagnosisKey] = []) throws -> Archive {
        let writer = ExportArchiveWriter(
            start: TestCountry.time - 86_400,
            end: TestCountry.time,
            region: "VN",
            signatureInfo: SignatureInfo(verificationKeyVersion: "v1", verificationKeyID: "452")
        )
        return Archive(
            keys: keys + revised,
            bytes: try writer.archive(of: keys, revised: revised, signedWith: publisher)
        )
    }

    /// A signed archive of keys that are all to be published at `TestCountry.time`.
    func archive(patients: Int) throws -> Archive {
        var random = SystemRandomNumberGenerator()
        let end = Interval(unixSeconds: TestCountry.time - 7200)
        let keys = ExportSynthesis(patients: patients, end: end).keys(using: &random).filter { key in
            key.metadata.end <= end
                && Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: end.advanced(by: Interval.perDay))
        }
        return try archive(of: keys)
    }
}
