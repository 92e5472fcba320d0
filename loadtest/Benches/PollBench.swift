import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import HTTP2
import Logging
import NIOPosix

/// What a phone's poll costs when there is nothing new.
struct PollBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Bytes of a poll that finds nothing new, before and after TLS, and bytes of an index.",
        discussion: """
            Polls are made as phones make them, and answered 304. Bytes before TLS are those of HTTP/2 frames in both \
            directions; TCP payload is what ss says of the client's socket. A resumed connection is made by openssl, \
            with the bytes that a phone sends.
            """
    )

    @Option(help: "Polls on one connection.")
    var polls = 20

    /// Bytes of HTTP/2 frames of a warm poll.
    private static let pollLimit = 200.0

    func validate() throws {
        guard (3...1000).contains(polls) else { throw ValidationError("--polls must be 3 to 1000") }
    }

    func run() async throws {
        for count in [1, 34, 63, 1000] { try PollBench.index(feeds: count).print() }
        let workplace = try Workplace()
        let site = try ServedSite(in: workplace.path, isCleartext: false, sizes: [ServedSize.all[0]])
        let server = try site.start(.keytide, core: try ServerCores().server)
        defer { server.stop() }
        let tag = try await pollOften(site, server)
        try await pollOnce(site, server, tag)
    }

    /// Many polls on one connection.
    /// - Returns: the index's entity tag.
    private func pollOften(_ site: ServedSite, _ server: ServerProcess) async throws -> String {
        let connection = try await PollBench.connect(to: server.port, tls: try site.trust())
        let whole = try await connection.get("/v1/index", maxBody: FormatLimits.indexBytes)
        guard let tag = whole.0.fields["etag"] else { throw BenchError("the index has no entity tag") }
        var frames = Rounds()
        var payload = Rounds()
        for poll in 0..<polls {
            let sent = connection.bytesSent + connection.bytesReceived
            let before = try SocketBytes(to: server.port)
            try await PollBench.poll(connection, tag)
            // The first one after the index brings what was due besides, such as acknowledgements.
            guard poll > 0 else { continue }
            frames.add(Double(connection.bytesSent + connection.bytesReceived - sent))
            payload.add(Double(try SocketBytes(to: server.port).total - before.total))
        }
        await connection.close()
        let limit = PollBench.pollLimit
        line("warm poll, HTTP/2 frames", frames.greatest, limit: limit, [("median", frames.median)]).print()
        line("warm poll, TCP payload", payload.greatest, [("median", payload.median)]).print()
        return tag
    }

    /// Polls on connections of their own.
    private func pollOnce(_ site: ServedSite, _ server: ServerProcess, _ tag: String) async throws {
        let connection = try await PollBench.connect(to: server.port, tls: try site.trust())
        try await PollBench.poll(connection, tag)
        line("first poll, HTTP/2 frames", Double(connection.bytesSent + connection.bytesReceived)).print()
        let new = try SocketBytes(to: server.port)
        line("poll on a new TLS connection, TCP payload", new).print()
        await connection.close()

        let request = try await RequestRecorder.record { port in
            let connection = try await PollBench.connect(to: port, tls: nil)
            _ = try? await connection.get("/v1/index", fields: ["if-none-match": tag], maxBody: 1)
            await connection.close()
        }
        let client = OpenSSLClient(port: server.port, directory: site.directory)
        let first = try client.exchange(request, resume: false)
        line("poll on a new TLS connection by openssl, TCP payload", first).print()
        let second = try client.exchange(request, resume: true)
        guard second.received + 200 < first.received else {
            throw BenchError("the second connection took \(second.received) bytes: it was not resumed")
        }
        line("poll on a resumed TLS connection by openssl, TCP payload", second).print()
    }

    private static func connect(to port: Int, tls: TLSClient?) async throws -> HTTPConnection {
        try await HTTPConnection.connect(
            to: .tcp("127.0.0.1", port),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
            tls: tls
        )
    }

    private static func poll(_ connection: HTTPConnection, _ tag: String) async throws {
        let (head, _) = try await connection.get("/v1/index", fields: ["if-none-match": tag], maxBody: 1 << 22)
        guard head.status == 304 else {
            throw BenchError("the poll was answered \(head.status): the index was signed anew meanwhile; run it again")
        }
    }

    /// Bytes of an index with so many feeds.
    static func index(feeds: Int) throws -> ResultLine {
        guard let region = Region("VN-01"),
            let signer = NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 7, count: 32)
            )
        else { throw BenchError("no signer for the index") }
        let entries = try (0..<feeds).map { number in
            guard let region = Region("VN-\(10 + number % 63)") else { throw BenchError("no such region") }
            let epoch = Epoch(
                startUnixSeconds: 1_608_768_000 + Int64(number) * 977,
                random: UInt32(number) &* 2_654_435_761
            )
            let root = Hash256(hashing: Array("\(number)".utf8)[...])
            guard
                let entry = IndexEntry(
                    feed: FeedID(region: region, epoch: epoch),
                    first: UInt64(number % 1000),
                    count: UInt64(number % 1000 + 300),
                    root: root
                )
            else { throw BenchError("no entry for feed \(number)") }
            return entry
        }
        let index = try FeedIndex(
            node: region,
            time: 1_608_768_000,
            fresh: IndexPart(entries.sorted { $0.feed < $1.feed }),
            settled: IndexPart([]),
            signer: signer
        )
        let limit = Double(38 * feeds + 400)
        return ResultLine(
            bench: "poll",
            case: "index feeds=\(feeds)",
            peer: "none",
            ours: Double(index.bytes.count),
            theirs: nil,
            limit: limit,
            ratio: Double(index.bytes.count) / limit,
            unit: "bytes"
        )
    }

    private func line(
        _ name: String,
        _ bytes: Double,
        limit: Double? = nil,
        _ further: [(name: String, value: Double)] = []
    ) -> ResultLine {
        ResultLine(
            bench: "poll",
            case: name,
            peer: "none",
            ours: bytes,
            theirs: nil,
            limit: limit,
            ratio: limit.map { bytes / $0 },
            unit: "bytes",
            further: further
        )
    }

    private func line(_ name: String, _ bytes: SocketBytes) -> ResultLine {
        let further = [("sent", Double(bytes.sent)), ("received", Double(bytes.received))]
        return line(name, Double(bytes.total), further)
    }
}

extension ServedSite {
    /// Trust in the node's certificate.
    func trust() throws -> TLSClient {
        let certificate = try Data(contentsOf: URL(fileURLWithPath: certificate().chain))
        return try TLSClient(trust: .authorities(pem: [UInt8](certificate)))
    }
}
