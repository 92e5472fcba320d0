import NIOCore

/// The beginning of Linux' `struct tcp_info`, to `tcpi_bytes_acked`.
private struct TCPInfo: Sendable {
    typealias Eight = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    typealias Seven = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    let first: Eight
    let second: Seven
    let acknowledgedBytes: UInt64

    static let option = NIOBSDSocket.Option(rawValue: 11)
}

extension Channel {
    /// Bytes that the peer has taken since the connection began, by its acknowledgements. The kernel holds megabytes for
    /// a slow peer and asks for more only when a good part of them has left: what the channel could hand over says
    /// little about what the peer takes.
    ///
    /// Where there is no TCP (a local socket), a number that grows as the bytes that wait in the channel shrink.
    func takenBytes() -> Int {
        var taken: UInt64?
        if let provider = self as? any SocketOptionProvider {
            let information: EventLoopFuture<TCPInfo> = provider.unsafeGetSocketOption(
                level: .tcp,
                name: TCPInfo.option
            )
            // It is there at once: this is the channel's event loop.
            information.assumeIsolated().whenSuccess { taken = $0.acknowledgedBytes }
        }
        if let taken { return Int(clamping: taken) }
        return 1 << 60 - ((try? syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
    }
}
