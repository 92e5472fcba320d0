import NIOCore

/// What a server knows of the connection on which a request came, by its own doing: nothing here was said by a header.
public struct ConnectionInfo: Sendable {
    /// The certificate by which the peer proved who it is; nil where none was asked for.
    public var clientCertificate: CertificateHash?
    /// The same number for all connections of one IPv4 address, or IPv6 network of 64 bits; nil on this host's file
    /// system. It tells nothing else, and differs from one start to the next.
    package internal(set) var client: Int?

    public init(clientCertificate: CertificateHash? = nil) {
        self.clientCertificate = clientCertificate
    }
}

extension ConnectionInfo {
    /// The same, with whose connection it is.
    func of(_ channel: any Channel) -> ConnectionInfo {
        var information = self
        information.client = channel.remoteAddress.flatMap { PeerNetwork($0) }?.hashValue
        return information
    }
}
