import Glibc
import NIOCore

/// Sockets in the file system.
enum UnixSocket {
    /// Makes a socket at `path` with `permissions`, not listening yet: until it listens nobody can connect, so nobody
    /// comes in before the permissions are set. A socket file that nobody listens on is removed first.
    /// - Returns: its descriptor, which the caller owns.
    /// - Throws: `addressInUse`, `addressUnavailable`.
    static func open(path: String, permissions: UInt32) throws(HTTPError) -> CInt {
        let address: SocketAddress
        do {
            address = try SocketAddress(unixDomainSocketPath: path)
        } catch {
            throw HTTPError(.addressUnavailable, "unix:\(path) is too long for a socket path", cause: error)
        }
        try removeStale(path: path, address)
        let descriptor = try make(path)
        guard address.withSockAddr({ Glibc.bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            throw close(descriptor, path, errno)
        }
        guard chmod(path, permissions) == 0 else {
            let code = errno
            unlink(path)
            throw close(descriptor, path, code)
        }
        return descriptor
    }

    /// Removes the socket file of a listener that was closed.
    static func remove(path: String) {
        unlink(path)
    }

    private static func make(_ path: String) throws(HTTPError) -> CInt {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else {
            throw ListenFailure.explain(IOError(errnoCode: errno, reason: "socket"), .unix(path))
        }
        return descriptor
    }

    private static func close(_ descriptor: CInt, _ path: String, _ code: CInt) -> HTTPError {
        Glibc.close(descriptor)
        return ListenFailure.explain(IOError(errnoCode: code, reason: "bind"), .unix(path))
    }

    private static func removeStale(path: String, _ address: SocketAddress) throws(HTTPError) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPError(.addressInUse, "\(path) exists and is not a socket: remove it or choose another path")
        }
        let probe = try make(path)
        defer { Glibc.close(probe) }
        let failure = address.withSockAddr { connect(probe, $0, socklen_t($1)) == 0 ? 0 : errno }
        guard failure == ECONNREFUSED else {
            throw ListenFailure.explain(IOError(errnoCode: EADDRINUSE, reason: "bind"), .unix(path))
        }
        unlink(path)
    }
}
