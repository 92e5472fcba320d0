@_spi(Fuzzing) import HTTP2
import Logging
import NIOCore
import NIOEmbedded

#if FUZZING
    import Support
#endif

/// What comes to a server: HTTP/2 if the bytes begin with its preface, else HTTP/1.1, in pieces of a size that the first
/// byte chooses. What the server says must be HTTP of the same version, whatever it was told.
enum HTTPFuzz {
    private struct Handler: RequestHandler {
        func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
            switch request.path {
            case "/large": .respond(ResponseHead(status: 200), ByteBuffer(repeating: 1, count: 100_000))
            case "/same": .respond(ResponseHead(status: 304, fields: ["etag": "\"1\""]), nil)
            default: .respond(ResponseHead(status: 200), ByteBuffer(string: request.path))
            }
        }
    }

    private static let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return true }
        let channel = EmbeddedChannel()
        var configuration = ServerConfiguration()
        configuration.maxConcurrentStreams = 20
        do {
            try BareConnection.addServer(
                to: channel,
                configuration: configuration,
                logger: logger,
                handler: Handler()
            )
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/fuzz")).wait()
        } catch {
            return false
        }
        let output = Wire.exchange(channel, bytes.dropFirst(), pieces: 1 + Int(first) * 7)
        let isHTTP2 = bytes.dropFirst().starts(with: Wire.preface)
        // An answer has at least a head; a frame at least its header.
        return isHTTP2 ? Wire.areFrames(output, largest: 16_384) : output.isEmpty || output.starts(with: Wire.version)
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(HTTPFuzz.holds) }
    }
#endif
