import Glibc
import NIOCore
import NIOPosix

/// Says why a connection could not be made, where that is this host's doing and not the server's.
enum ConnectFailure {
    static func explain(_ error: any Error, _ address: ConnectAddress) -> HTTPError {
        let reason =
            switch number(error) {
            case EADDRNOTAVAIL:
                "this host has no free port for another connection to \(address): too many are open or just closed, or "
                    + "net.ipv4.ip_local_port_range is too small"
            case EMFILE:
                "no file is left for a connection to \(address): raise the limit of open files of this process (LimitNOFILE=, ulimit -n)"
            case ENFILE:
                "no file is left on this host for a connection to \(address): raise fs.file-max"
            default:
                "could not connect to \(address): does it run there?"
            }
        return HTTPError(.connectFailed, reason, cause: error)
    }

    /// The system's error number; 0 if there is none. Of several addresses of a host the first counts.
    private static func number(_ error: any Error) -> CInt {
        if let error = error as? IOError { return error.errnoCode }
        let attempts = (error as? NIOConnectionError)?.connectionErrors ?? []
        return attempts.lazy.compactMap { ($0.error as? IOError)?.errnoCode }.first ?? 0
    }
}
