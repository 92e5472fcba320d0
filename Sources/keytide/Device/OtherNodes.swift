import ClientSync
import Synchronization

/// Connections of one sync to nodes beside the one that it asks, opened when they are needed.
final class OtherNodes: Sendable {
    private let authorities: String?
    private let open = Mutex<[NodeTransport]>([])

    /// - Parameter authorities: as for `NodeTransport`.
    init(authorities: String?) {
        self.authorities = authorities
    }

    /// - Parameter url: as the roster has it.
    /// - Returns: nil if it is no address.
    func transport(to url: String) -> (any SyncTransport)? {
        open.withLock { open in
            if let transport = open.first(where: { $0.node == url }) { return transport }
            let authorities = url.hasPrefix("https:") ? authorities : nil
            guard let transport = try? NodeTransport(url, authorities: authorities) else { return nil }
            open.append(transport)
            return transport
        }
    }

    func close() async {
        for transport in open.withLock({ $0 }) { await transport.close() }
    }
}
