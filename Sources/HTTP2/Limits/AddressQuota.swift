package import NIOCore

/// Whom connections are counted for: an IPv4 address, or an IPv6 network of 64 bits, the least that one subscriber has
/// (RFC 6177). Headers that name another origin are anybody's to write and count for nothing.
package struct PeerNetwork: Hashable {
    private let isIPv4: Bool
    private let bits: UInt64

    /// Nil for peers on this host's file system.
    package init?(_ address: SocketAddress) {
        // The address stands at these places of sockaddr_in and sockaddr_in6, most significant byte first.
        let range: Range<Int>
        switch address.protocol {
        case .inet: range = 4..<8
        case .inet6: range = 8..<24
        default: return nil
        }
        let bytes = address.withSockAddr { pointer, size in
            Array(UnsafeRawBufferPointer(start: pointer, count: size).dropFirst(range.lowerBound).prefix(range.count))
        }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        guard bytes.count == range.count else { return nil }
        if bytes.count == 4 {
            isIPv4 = true
            bits = number(0..<4)
        } else {
            // An IPv4 peer of a listener for both versions (RFC 4291, 2.5.5.2).
            isIPv4 = number(0..<8) == 0 && number(8..<12) == 0xFFFF
            bits = isIPv4 ? number(12..<16) : number(0..<8)
        }
    }
}

/// Connections that are open, for each network that has any.
package struct AddressQuota {
    private let limit: Int
    private var counts: [PeerNetwork: Int] = [:]

    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes up one more of `network`; false when it has as many as it may.
    package mutating func admit(_ network: PeerNetwork) -> Bool {
        let count = counts[network, default: 0]
        guard count < limit else { return false }
        counts[network] = count + 1
        return true
    }

    /// One that was admitted is gone.
    package mutating func release(_ network: PeerNetwork) {
        guard let count = counts[network] else { return }
        counts[network] = count > 1 ? count - 1 : nil
    }

    /// Networks that have connections: what memory this takes.
    package var networks: Int { counts.count }
}
