internal import NIOSSL

/// The certificate by which a peer proved who it is. The handshake has shown that the peer holds its private key;
/// nothing else about it has been believed.
public struct PeerCertificate: Hashable, Sendable {
    public let hash: CertificateHash
    /// Unix seconds from which and up to which it says to be valid.
    public let validity: ClosedRange<Int64>

    public init(hash: CertificateHash, validity: ClosedRange<Int64>) {
        self.hash = hash
        self.validity = validity
    }

    /// Nil if it cannot be encoded or ends before it begins.
    init?(_ certificate: NIOSSLCertificate) {
        guard let der = try? certificate.toDERBytes() else { return nil }
        let (begin, end) = (Int64(certificate.notValidBefore), Int64(certificate.notValidAfter))
        guard begin <= end else { return nil }
        self.init(hash: CertificateHash(hashing: der), validity: begin...end)
    }
}

/// What is decided about a peer's certificate.
public enum PeerVerdict: Hashable, Sendable {
    case accepted
    /// Why not, for the log: it may name a region and the certificate's hash, never an address.
    case refused(String)
}

/// Decides about a peer's certificate, from what holds now: it is asked when a connection is made and again later.
/// Called on event loops; must not block.
public typealias PeerJudge = @Sendable (PeerCertificate) -> PeerVerdict
