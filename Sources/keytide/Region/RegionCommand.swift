import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import HTTP2

/// `keytide region`: the keys of a region, made on its own machine.
struct RegionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region",
        abstract: "Make a region's keys, and the request to list them.",
        discussion: """
            Private keys never leave the machine on which they are made. The request goes to the authorities, who list \
            the region with 'keytide roster draft' and 'keytide roster sign'.
            """,
        subcommands: [RegionInitCommand.self, RegionRotateCommand.self]
    )
}

/// The files in a region's directory.
struct RegionFiles {
    let directory: String
    var key: String { "\(directory)/region.key" }
    var peerCertificate: String { "\(directory)/peer.pem" }
    var peerKey: String { "\(directory)/peer.key" }
    var request: String { "\(directory)/region.request" }

    /// Makes keys, certificate and request.
    /// - Parameters:
    ///   - former: the key that is replaced.
    ///   - now: unix seconds.
    func make(
        _ region: Region,
        operatorName: String,
        publicEndpoint: String,
        peerEndpoint: String,
        days: Int,
        former: NoteSigner?,
        now: Int64
    ) throws -> RosterRequest {
        try NewFiles.refuseExisting([key, peerCertificate, peerKey, request])
        let signer = try NewFiles.signer(KeytideNames.signer(region), .cosignature)
        guard let host = URLComponents(string: peerEndpoint)?.host, peerEndpoint.hasPrefix("https://") else {
            throw CommandError("--peer '\(peerEndpoint)' is no address such as https://node.example:8441")
        }
        guard URLComponents(string: publicEndpoint)?.host?.isEmpty == false,
            publicEndpoint.hasPrefix("https://") || publicEndpoint.hasPrefix("http://")
        else {
            throw CommandError("--public '\(publicEndpoint)' is no address such as https://keys.example:8440")
        }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        // An hour back, for clocks that are behind.
        let certificate = try RegionCertificate.makeSelfSigned(
            name: "keytide \(region)",
            hosts: [bare],
            validFrom: now - 3600,
            days: days
        )
        guard let hash = Hash256(bytes: certificate.derHash.bytes),
            let made = RosterRequest(
                region: region,
                operatorName: operatorName,
                key: signer.verifier,
                replaced: former?.verifier,
                certificate: .init(hash: hash, notBefore: now - 3600, notAfter: now - 3600 + Int64(days) * 86_400),
                publicEndpoint: publicEndpoint,
                peerEndpoint: peerEndpoint
            )
        else {
            throw CommandError("--operator, --public and --peer are each one line of 1 to 200 bytes")
        }
        let bytes = try made.signed(by: signer, and: former, time: now)
        try NewFiles.directory(directory)
        try NewFiles.write((signer.text + "\n").utf8, key, secret: true)
        try NewFiles.write(certificate.keyPEM.utf8, peerKey, secret: true)
        try NewFiles.write(certificate.certificatePEM.utf8, peerCertificate)
        try NewFiles.write(bytes, request)
        return made
    }

    func report(_ made: RosterRequest) {
        Output.table([
            ["file", "what"],
            [key, "signs what \(made.region) publishes: secret, setting 'key'"],
            [peerKey, "key of the certificate: secret, setting 'peers.key'"],
            [peerCertificate, "for other nodes, setting 'peers.certificate'"],
            [request, "for the authorities: send it to them"],
        ])
        Output.line("key \(made.key.text)")
    }
}

struct RegionInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new region's signing key, certificate and request."
    )

    @Argument(help: "Directory for the files; nothing in it is overwritten.", completion: .directory)
    var directory: String

    @Option(help: "The region, such as VN-01.")
    var region: String

    @Option(help: "Who runs the node.")
    var `operator`: String

    @Option(help: "Base address for phones, https://host:port.")
    var `public`: String

    @Option(help: "Base address for other nodes, https://host:port.")
    var peer: String

    @Option(help: "Days for which the certificate is valid.")
    var days: Int = 825

    func run() throws {
        guard let id = Region(region) else { throw ValidationError("--region \(region) is no code such as VN-01") }
        let files = RegionFiles(directory: directory)
        let made = try files.make(
            id,
            operatorName: `operator`,
            publicEndpoint: `public`,
            peerEndpoint: peer,
            days: days,
            former: nil,
            now: Int64(Date().timeIntervalSince1970)
        )
        files.report(made)
    }
}

struct RegionRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Make a region's next signing key and certificate, and the request to list them.",
        discussion: """
            The request is signed by the old key too. The node goes on with the old files until the roster lists the new \
            ones; then give it these and start it again.
            """
    )

    @Argument(help: "Directory with the present files.", completion: .directory)
    var present: String

    @Argument(help: "Directory for the next ones.", completion: .directory)
    var next: String

    @Option(help: "Days for which the certificate is valid.")
    var days: Int = 825

    func run() throws {
        let old = RegionFiles(directory: present)
        let bytes = [UInt8](try Files.read(old.request))
        let former: RosterRequest
        do {
            former = try RosterRequest(bytes[...])
        } catch {
            throw CommandError("\(old.request) is not the request of this region: \(error)")
        }
        let signer = try NewFiles.readSigner(old.key)
        guard signer.verifier == former.key else {
            throw CommandError("\(old.key) is not the key for which \(old.request) asked; name the directory with both")
        }
        let files = RegionFiles(directory: next)
        let made = try files.make(
            former.region,
            operatorName: former.operatorName,
            publicEndpoint: former.publicEndpoint,
            peerEndpoint: former.peerEndpoint,
            days: days,
            former: signer,
            now: Int64(Date().timeIntervalSince1970)
        )
        files.report(made)
    }
}
