internal import HTTP2

/// Settings of listeners that depend on each other.
extension NodeSettings {
    /// The files `NAME.certificate` and `NAME.key`; nil if neither is given.
    func files(_ name: String) throws(NodeError) -> TLSFiles? {
        let certificate = try text("\(name).certificate", or: "")
        let key = try text("\(name).key", or: "")
        guard certificate.isEmpty == key.isEmpty else {
            let (given, missing) = certificate.isEmpty ? ("key", "certificate") : ("certificate", "key")
            throw NodeError(
                .configuration,
                "the setting '\(name).\(given)' is given without '\(name).\(missing)': a certificate and its key go together"
            )
        }
        return certificate.isEmpty ? nil : TLSFiles(certificate: certificate, key: key)
    }

    /// Metrics tell about a node what is nobody's business: they are served on this host only.
    func metricsAddress() throws(NodeError) -> HostPort? {
        let expected = "host:port with a loopback address such as 127.0.0.1:8442, or 'none'"
        return try value("listen.metrics", or: "127.0.0.1:8442", expected) { text -> HostPort?? in
            if text == "none" { return .some(nil) }
            guard let address = HostPort(text), address.isLoopback else { return nil }
            return address
        }
    }

    /// Cleartext leaves this host only if the settings say so in so many words, and between nodes never.
    func requireTLS(
        _ publicAddress: HostPort,
        _ tls: TLSFiles?,
        _ peerAddress: HostPort,
        _ peerIdentity: TLSFiles?
    ) throws(NodeError) {
        let isInsecure = try flag("listen.insecure")
        guard tls != nil || publicAddress.isLoopback || isInsecure else {
            throw NodeError(
                .configuration,
                "the setting 'listen.public' is \(publicAddress), which others reach, without TLS: give 'tls.certificate' "
                    + "and 'tls.key', or, if something in front ends TLS, 'listen.insecure' true"
            )
        }
        guard peerIdentity != nil || peerAddress.isLoopback else {
            throw NodeError(
                .configuration,
                "the setting 'listen.peers' is \(peerAddress), which others reach, without TLS: give "
                    + "'peers.certificate' and 'peers.key', the ones that the roster names"
            )
        }
    }
}
