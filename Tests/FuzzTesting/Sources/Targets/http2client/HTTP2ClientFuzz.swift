@_spi(Fuzzing) import HTTP2
import Logging
import NIOCore
import NIOEmbedded

#if FUZZING
    import Support
#endif

/// What comes to a client with three requests under way, in pieces of a size that the first byte chooses. What the client
/// says must be its preface and frames, whatever it was told.
enum HTTP2ClientFuzz {
    private static let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
    private static let requests = [
        RequestHead(authority: "x", path: "/"), RequestHead(method: "HEAD", authority: "x", path: "/head"),
        RequestHead(method: "POST", authority: "x", path: "/post"),
    ]

    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return true }
        let channel = EmbeddedChannel()
        do {
            try BareConnection.addClient(
                to: channel,
                configuration: ClientConfiguration(),
                logger: logger,
                requests: requests
            )
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/fuzz")).wait()
        } catch {
            return false
        }
        let output = Wire.exchange(channel, bytes.dropFirst(), pieces: 1 + Int(first) * 7)
        return output.isEmpty
            || output.starts(with: Wire.preface)
                && Wire.areFrames(Array(output.dropFirst(Wire.preface.count)), largest: 16_384)
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(HTTP2ClientFuzz.holds) }
    }
#endif
