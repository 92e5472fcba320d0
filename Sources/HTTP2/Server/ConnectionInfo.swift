/// What a server knows of the connection on which a request came, by its own doing: nothing here was said by a header.
public struct ConnectionInfo: Sendable {
    /// The certificate by which the peer proved who it is; nil where none was asked for.
    public var clientCertificate: CertificateHash?

    public init(clientCertificate: CertificateHash? = nil) {
        self.clientCertificate = clientCertificate
    }
}
