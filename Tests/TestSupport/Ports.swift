public import Foundation
internal import Synchronization

/// Ports of 127.0.0.1 below those that the system hands out by itself, so that no outgoing connection takes them.
public enum Ports {
    private static let taken = Mutex(0)

    public static func next() throws -> Int { try block(of: 1) }

    /// The first of `count` free ports in a row, at most 20.
    public static func block(of count: Int) throws -> Int {
        for _ in 0..<900 {
            let number = taken.withLock { taken in
                taken += 1
                return taken
            }
            let first = 12_000 + (Int(getpid()) * 17 + number) % 900 * 20
            if (first..<first + count).allSatisfy(isFree) { return first }
        }
        throw TestFailure("no \(count) free ports in a row")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        return Loopback.withAddress(port) { bind(descriptor, $0, $1) } == 0
    }
}

/// Addresses of 127.0.0.1 in the form of system calls.
public enum Loopback {
    public static func withAddress<Result>(
        _ port: Int,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// A socket listening on `port`, which nobody is to use.
    public static func occupy(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard withAddress(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
            close(descriptor)
            throw TestFailure("port \(port) cannot be occupied")
        }
        return descriptor
    }
}
