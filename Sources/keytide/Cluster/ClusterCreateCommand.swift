import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import HTTP2

/// `keytide cluster create`: keys, roster and settings for a few nodes on this machine.
struct ClusterCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make keys, a roster and settings for nodes on this machine.",
        discussion: """
            For demonstrations only: all private keys, the authority's included, end up in one directory. In earnest \
            every region makes its own key, and the authorities sign the roster offline.
            """
    )

    @Option(help: "Directory to make; must not exist.", completion: .directory)
    var directory: String

    @Option(help: "Regions, separated by commas; each links with the ones before and after it.")
    var regions: String = "VN-01,VN-48,VN-79"

    @Option(help: "The first of the ports used on 127.0.0.1, three a region.")
    var basePort: Int = 18_440

    @Option(help: "Seconds between publication slots.")
    var publicationSlot: Int = 1

    @Flag(help: "No TLS: all connections on this machine are in cleartext.")
    var cleartext = false

    func run() throws {
        let ids = regions.split(separator: ",").map { Region($0) }
        let list = ids.compactMap { $0 }
        guard list.count == ids.count, !list.isEmpty, list.count <= 1000 else {
            throw ValidationError("--regions is no list of region codes such as VN-01,VN-48")
        }
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw CommandError("\(directory) exists already; name another directory or remove it")
        }
        try NewFiles.directory(directory)
        let authority = try newSigner("keytide-demo-authority", .ed25519)
        guard let authorities = RosterAuthorities(verifiers: [authority.verifier], threshold: 1) else {
            throw CommandError("no authority could be made")
        }
        var entries: [RosterRegion] = []
        let now = Int64(Date().timeIntervalSince1970)
        if !cleartext { try writePublicCertificate(now: now) }
        for (position, region) in list.enumerated() {
            let signer = try newSigner(KeytideNames.signer(region), .cosignature)
            try write(signer.text + "\n", "\(region).key", secret: true)
            let certificate = cleartext ? nil : try writePeerCertificate(region, now: now)
            entries.append(try entry(region, signer.verifier, certificate, position: position))
            try writeSettings(region, list: list, position: position)
        }
        guard
            let roster = Roster(
                version: 1,
                previous: nil,
                issued: ClusterCreateCommand.begin,
                expires: now + Int64(ClusterCreateCommand.days) * 86_400,
                regions: entries
            )
        else { throw CommandError("a region is listed twice") }
        try write(String(decoding: try roster.signed(by: [authority]), as: UTF8.self), "roster")
        try write(authorities.text, "authorities")
        Output.line(
            "made \(list.count.counted("region")) in \(directory), for demonstrations only: all private keys are there"
        )
    }

    /// From 2020 on, so that nodes whose clocks are set back for old exports accept roster and certificates.
    private static let begin: Int64 = 1_577_836_800
    /// Roster and certificates end so long after now.
    private static let days = 30

    /// One certificate for the public listeners of all nodes: they are all on this machine.
    private func writePublicCertificate(now: Int64) throws {
        let certificate = try RegionCertificate.makeSelfSigned(
            name: "keytide demo",
            hosts: ["localhost", "127.0.0.1", "::1"],
            validFrom: ClusterCreateCommand.begin,
            days: Int((now - ClusterCreateCommand.begin) / 86_400) + ClusterCreateCommand.days
        )
        try write(certificate.certificatePEM, "tls.pem")
        try write(certificate.keyPEM, "tls.key", secret: true)
    }

    /// What a region's node shows to other nodes.
    private func writePeerCertificate(_ region: Region, now: Int64) throws -> RosterRegion.Certificate {
        let certificate = try RegionCertificate.makeSelfSigned(
            name: region.code,
            hosts: [],
            validFrom: ClusterCreateCommand.begin,
            days: Int((now - ClusterCreateCommand.begin) / 86_400) + ClusterCreateCommand.days
        )
        try write(certificate.certificatePEM, "\(region).peer.pem")
        try write(certificate.keyPEM, "\(region).peer.key", secret: true)
        guard let hash = Hash256(bytes: certificate.derHash.bytes) else {
            throw CommandError("a certificate's hash is none")
        }
        let end = now + Int64(ClusterCreateCommand.days) * 86_400
        return RosterRegion.Certificate(hash: hash, notBefore: ClusterCreateCommand.begin, notAfter: end)
    }

    private func newSigner(_ name: String, _ algorithm: NoteVerifier.Algorithm) throws -> NoteSigner {
        var random = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        guard let signer = NoteSigner(name: name, algorithm: algorithm, seed: seed) else {
            throw CommandError("no key named \(name) could be made")
        }
        return signer
    }

    private func entry(
        _ region: Region,
        _ verifier: NoteVerifier,
        _ certificate: RosterRegion.Certificate?,
        position: Int
    ) throws -> RosterRegion {
        let key = RosterRegion.Key(verifier: verifier, notBefore: ClusterCreateCommand.begin, notAfter: 4_102_444_800)
        guard
            let entry = RosterRegion(
                id: region,
                vietnameseName: region.code,
                englishName: region.code,
                operatorName: "demo \(region)",
                keys: [key],
                certificates: certificate.map { [$0] } ?? [],
                publicEndpoint: "\(cleartext ? "http" : "https")://127.0.0.1:\(basePort + 2 * position)",
                peerEndpoint: "\(cleartext ? "http" : "https")://127.0.0.1:\(basePort + 2 * position + 1)"
            )
        else { throw CommandError("\(region) cannot be listed") }
        return entry
    }

    private struct Settings: Encodable {
        struct Listen: Encodable {
            let `public`: String
            let peers: String
            let metrics: String
        }
        struct Files: Encodable {
            let certificate: String
            let key: String
        }
        struct Admin: Encodable { let socket: String }
        let region: String
        let store: String
        let listen: Listen
        let tls: Files?
        let peers: Files?
        let admin: Admin
        let roster: String
        let authorities: String
        let key: String
        let neighbours: [String]
        let publicationSlot: Int
    }

    private func writeSettings(_ region: Region, list: [Region], position: Int) throws {
        var neighbours: [String] = []
        if position > 0 { neighbours.append(list[position - 1].code) }
        if position + 1 < list.count { neighbours.append(list[position + 1].code) }
        let settings = Settings(
            region: region.code,
            store: path("\(region).store"),
            listen: .init(
                public: "127.0.0.1:\(basePort + 2 * position)",
                peers: "127.0.0.1:\(basePort + 2 * position + 1)",
                metrics: "127.0.0.1:\(basePort + 2 * list.count + position)"
            ),
            tls: cleartext ? nil : Settings.Files(certificate: path("tls.pem"), key: path("tls.key")),
            peers: cleartext
                ? nil : Settings.Files(certificate: path("\(region).peer.pem"), key: path("\(region).peer.key")),
            admin: .init(socket: path("\(region).socket")),
            roster: path("roster"),
            authorities: path("authorities"),
            key: path("\(region).key"),
            neighbours: neighbours,
            publicationSlot: publicationSlot
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(String(decoding: try encoder.encode(settings), as: UTF8.self) + "\n", "\(region).json")
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func write(_ text: String, _ name: String, secret: Bool = false) throws {
        try NewFiles.write(text.utf8, path(name), secret: secret)
    }
}
