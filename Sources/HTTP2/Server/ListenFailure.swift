import Glibc
import NIOCore

extension ListenAddress {
    /// The system chooses the port.
    fileprivate var takesAnyPort: Bool {
        switch self {
        case .tcp(_, let port): port == 0
        case .unix: false
        }
    }
}

/// Says why an address cannot be listened on, and what to do.
enum ListenFailure {
    static func explain(_ error: any Error, _ address: ListenAddress) -> HTTPError {
        guard let error = error as? IOError else {
            return HTTPError(.addressUnavailable, "cannot listen on \(address)", cause: error)
        }
        switch error.errnoCode {
        case EADDRINUSE where address.takesAnyPort:
            let reason =
                "there is no free port for \(address): net.ipv4.ip_local_port_range is too small, or all are in use"
            return HTTPError(.addressUnavailable, reason, cause: error)
        case EMFILE, ENFILE:
            let reason =
                "no file is left for listening on \(address): raise the limit of open files (LimitNOFILE=, ulimit -n)"
            return HTTPError(.addressUnavailable, reason, cause: error)
        case EADDRINUSE:
            let reason = "\(address) is in use: another process listens there. Stop it or configure another address"
            return HTTPError(.addressInUse, reason, cause: error)
        case EACCES, EPERM:
            let reason = "not permitted to listen on \(address): ports below 1024 and foreign directories need a right"
            return HTTPError(.addressUnavailable, reason, cause: error)
        case EADDRNOTAVAIL:
            return HTTPError(.addressUnavailable, "\(address) is not an address of this host", cause: error)
        default:
            return HTTPError(.addressUnavailable, "cannot listen on \(address)", cause: error)
        }
    }
}
