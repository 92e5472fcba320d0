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
        subcommands: [RegionInitCommand.self, RegionRotateCommand.self, RegionCertificateCommand.self]
    )
}

/// The files in a region's directory.
struct RegionFiles {
    let directory: String
    var key: String { "\(directory)/region.key" }
    var peerCertificate: String { "\(directory)/peer.pem" }
    var peerKey: String { "\(directory)/peer.key" }
    var request: String { "\(directory)/region.request" }

    /// The request that listed the region, and the key for which it asked.
    func present() throws -> (RosterRequest, NoteSigner) {
        let bytes = [UInt8](try Files.read(request))
        let former: RosterRequest
        do {
            former = try RosterRequest(bytes[...])
        } catch {
            throw CommandError("\(request) is not the request of this region: \(error)")
        }
        let signer = try NewFiles.readSigner(key)
        guard signer.verifier == former.key else {
            throw CommandError("\(key) is not the key for which \(request) asked; name the directory with both")
        }
        return (former, signer)
    }

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
        let (certificate, listed) = try RegionFiles.certificate(of: region, host: host, days: days, now: now)
        let made = RosterRequest(
            region: region,
            operatorName: operatorName,
            key: signer.verifier,
            replaced: former?.verifier,
            certificate: listed,
            publicEndpoint: publicEndpoint,
            peerEndpoint: peerEndpoint
        )
        guard let made else {
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

    /// Makes another certificate and the request to list it beside the present one; the signing key stays.
    /// - Parameters:
    ///   - former: the request that listed the region.
    ///   - signer: its key.
    func renewCertificate(_ former: RosterRequest, signer: NoteSigner, days: Int, now: Int64) throws -> RosterRequest {
        try NewFiles.refuseExisting([peerCertificate, peerKey, request])
        let host = URLComponents(string: former.peerEndpoint)?.host ?? ""
        let (certificate, listed) = try RegionFiles.certificate(of: former.region, host: host, days: days, now: now)
        let made = RosterRequest(
            region: former.region,
            operatorName: former.operatorName,
            key: former.key,
            certificate: listed,
            publicEndpoint: former.publicEndpoint,
            peerEndpoint: former.peerEndpoint
        )
        guard let made else { throw CommandError("the request of \(former.region) cannot be made anew") }
        let bytes = try made.signed(by: signer, and: nil, time: now)
        try NewFiles.directory(directory)
        try NewFiles.write(certificate.keyPEM.utf8, peerKey, secret: true)
        try NewFiles.write(certificate.certificatePEM.utf8, peerCertificate)
        try NewFiles.write(bytes, request)
        return made
    }

    private static func certificate(
        of region: Region,
        host: String,
        days: Int,
        now: Int64
    ) throws -> (RegionCertificate, RosterRegion.Certificate) {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        // An hour back, for clocks that are behind.
        let begin = now - 3600
        let certificate = try RegionCertificate.makeSelfSigned(
            name: "keytide \(region)",
            hosts: [bare],
            validFrom: begin,
            days: days
        )
        guard let hash = Hash256(bytes: certificate.derHash.bytes) else {
            throw CommandError("a certificate's hash is none")
        }
        return (certificate, .init(hash: hash, notBefore: begin, notAfter: begin + Int64(days) * 86_400))
    }

    func report(_ made: RosterRequest, hasNewKey: Bool = true) {
        let signing = [key, "signs what \(made.region) publishes: secret, setting 'key'"]
        Output.table(
            [["file", "what"]] + (hasNewKey ? [signing] : []) + [
                [peerKey, "key of the certificate: secret, setting 'peers.key'"],
                [peerCertificate, "for other nodes, setting 'peers.certificate'"],
                [request, "for the authorities: send it to them"],
            ]
        )
        Output.line("key \(made.key.text)")
        // What the operator reads to an authority, so that both know that the request is the one that was sent.
        Output.line("fingerprint of the key: \(RosterTable.fingerprint(made.key))")
        if let certificate = made.certificate {
            Output.line("fingerprint of the certificate: \(certificate.hash.hexadecimal)")
        }
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

/// Where the files of a region stand, and where what replaces them goes.
struct Renewal: ParsableArguments {
    @Argument(help: "Directory with the present files.", completion: .directory)
    var present: String

    @Argument(help: "Directory for the next ones.", completion: .directory)
    var next: String

    @Option(help: "Days for which the certificate is valid.")
    var days: Int = 825
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

    @OptionGroup var renewal: Renewal

    func run() throws {
        let (former, signer) = try RegionFiles(directory: renewal.present).present()
        let files = RegionFiles(directory: renewal.next)
        let made = try files.make(
            former.region,
            operatorName: former.operatorName,
            publicEndpoint: former.publicEndpoint,
            peerEndpoint: former.peerEndpoint,
            days: renewal.days,
            former: signer,
            now: Int64(Date().timeIntervalSince1970)
        )
        files.report(made)
    }
}

struct RegionCertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Make a region's next certificate for other nodes, and the request to list it; the key stays.",
        discussion: """
            The request is signed by the region's key, which is not changed. The node goes on with the old certificate \
            until the roster lists the new one beside it; then replace the two files that its settings name.
            """
    )

    @OptionGroup var renewal: Renewal

    func run() throws {
        let (former, signer) = try RegionFiles(directory: renewal.present).present()
        let files = RegionFiles(directory: renewal.next)
        let now = Int64(Date().timeIntervalSince1970)
        let made = try files.renewCertificate(former, signer: signer, days: renewal.days, now: now)
        files.report(made, hasNewKey: false)
    }
}
