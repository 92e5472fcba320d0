package import ExposureKeys
package import FeedFormat
package import HTTP2

/// Whose certificate a peer's is, as a roster says. Authorities of certificates play no part: a region's certificate is
/// the one that the signed roster names by its hash, and the handshake shows who holds its key.
package struct PeerIdentities {
    private let roster: Roster
    private let now: Int64

    /// - Parameter now: unix seconds.
    package init(_ roster: Roster, now: Int64) {
        self.roster = roster
        self.now = now
    }

    /// Decides about a certificate.
    /// - Parameter expected: the region that was dialled; nil for whichever comes.
    package func judge(_ certificate: PeerCertificate, expected: Region? = nil) -> PeerVerdict {
        let name = "certificate \(certificate.hash.prefix)"
        let listed = entries(of: certificate.hash)
        guard !listed.isEmpty else {
            return .refused("\(name) is none that the roster, version \(roster.version), names: a stranger, or revoked")
        }
        if let expected, !listed.contains(where: { $0.region == expected }) {
            return .refused("\(name) is that of \(listed[0].region), not of \(expected)")
        }
        let current = listed.filter { (expected == nil || $0.region == expected) && $0.certificate.isValid(at: now) }
        guard !current.isEmpty else {
            return .refused("\(name) of \(listed[0].region) is not one that the roster lets it show at this time")
        }
        guard certificate.validity.contains(now) else {
            let what = now < certificate.validity.lowerBound ? "is not valid yet" : "has expired"
            return .refused("\(name) of \(listed[0].region) \(what)")
        }
        return .accepted
    }

    /// The region that may show this certificate now; nil if there is none.
    package func region(of hash: CertificateHash) -> Region? {
        entries(of: hash).first { $0.certificate.isValid(at: now) }?.region
    }

    /// Whether the roster names any certificate, so that links need TLS.
    package var areNeeded: Bool { roster.regions.contains { !$0.certificates.isEmpty } }

    /// Whether other nodes know this region by certificates, so that cleartext must not pass for it.
    package func areNeeded(by region: Region) -> Bool {
        roster.region(region)?.certificates.isEmpty == false
    }

    private func entries(of hash: CertificateHash) -> [(region: Region, certificate: RosterRegion.Certificate)] {
        guard let hash = Hash256(bytes: hash.bytes) else { return [] }
        return roster.regions.flatMap { region in
            region.certificates.filter { $0.hash == hash }.map { (region.id, $0) }
        }
    }
}
