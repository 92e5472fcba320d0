/// Where a roster says that a region's node listens for other nodes: `https://host:port`, or `http://host:port` for
/// cleartext, with or without a slash at the end.
package struct PeerEndpoint: Hashable, Sendable {
    package let address: HostPort
    package let isTLS: Bool

    package init?(_ url: some StringProtocol) {
        guard let (scheme, isTLS) = [("https://", true), ("http://", false)].first(where: { url.hasPrefix($0.0) })
        else {
            return nil
        }
        let rest = url.dropFirst(scheme.count)
        guard let address = HostPort(rest.hasSuffix("/") ? rest.dropLast() : rest) else { return nil }
        self.address = address
        self.isTLS = isTLS
    }
}
