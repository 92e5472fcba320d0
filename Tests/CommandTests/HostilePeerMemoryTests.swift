import ExposureKeys
import FeedFormat
import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix
import RegionalNode
import Replication
import Synchronization
import TestSupport
import Testing

/// A region with a listed certificate that sends and takes the largest batches there are, over everything that it may
/// open: what a node holds of that stays within its budget, and is given back.
@Suite(.serialized, .timeLimit(.minutes(5))) struct HostilePeerMemoryTests {
    /// MiB that the node may use for what others make it hold: half of its control group's limit, beyond which it would
    /// be killed.
    private static let budget = 160

    @Test func theLargestBatchesTakeTheBudgetAndNoMore() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 90_000)
            let report = try #require(await cluster.import("VN-01", archive.path).reports.first?.report)
            #expect(report.bytes > 6 << 20, "\(report.bytes)")
            #expect(try await cluster.stop("VN-01") == 0)
            let group = MadeGroup("memory", "memory.limit_in_bytes", "\(2 * Self.budget)M")
            try await cluster.start("VN-01", under: group?.wrapper ?? [], "--memory", "\(Self.budget)")
            try await Task.sleep(for: .seconds(1))
            let start = try cluster.residentMiB("VN-01")
            let peer = try await HostilePeer.start(in: cluster, taking: "/v1/feeds/\(try #require(report.feed))/0/0")
            var most = 0
            for _ in 0..<1000 {
                most = max(most, try cluster.residentMiB("VN-01"))
                try await Task.sleep(for: .milliseconds(20))
            }
            let counts = peer.counts.withLock { $0 }
            #expect(counts.served > 8, "batches were fetched: \(counts)")
            #expect(counts.links > 0 && counts.taken > 8, "\(counts)")
            try await peer.stop()
            print("hostile peer: \(start) MiB at the start, \(most) at most; \(counts)")
            #expect(start > 20)
            #expect(most <= start + Self.budget + 100, "\(start) MiB at the start, \(most) MiB at most")
            var end = Int.max
            let isBack = try await eventually(seconds: 60) {
                end = try cluster.residentMiB("VN-01")
                return end <= start + 100
            }
            #expect(isBack, "\(start) MiB at the start, \(end) MiB a minute after")
            #expect(try await cluster.status("VN-01").ownKeys == archive.keys.count)
            #expect(try await cluster.stop("VN-01") == 0)
            try await group?.remove()
        }
    }
}

/// The node of a cluster's second region, by hand.
private final class HostilePeer: Sendable {
    struct Counts: Sendable {
        /// Batches that were sent as answers, links that were opened by either side, answers that were begun and not read.
        var (served, links, taken) = (0, 0, 0)
    }

    let counts = Mutex(Counts())
    private let region: Region
    private let port: Int
    private let identity: TLSIdentity
    private let server = Mutex<HTTPServer?>(nil)
    private let tasks = Mutex<[Task<Void, Never>]>([])

    private init(_ cluster: Cluster) throws {
        region = try #require(Region("VN-48"))
        port = cluster.basePort + 1
        func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: cluster.path(name))))
        }
        identity = try TLSIdentity(certificates: bytes("VN-48.peer.pem"), key: bytes("VN-48.peer.key"))
    }

    static func start(in cluster: Cluster, taking path: String) async throws -> HostilePeer {
        let peer = try HostilePeer(cluster)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = try await HTTPServer.bind(
            .tcp("127.0.0.1", cluster.basePort + 3),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            tls: try TLSServer(peer.identity, clientCertificates: .required { _ in .accepted }),
            handler: Largest(peer: peer)
        )
        peer.server.withLock { $0 = server }
        for _ in 0..<2 { peer.run { try await peer.push() } }
        for _ in 0..<8 { peer.run { try await peer.take(path) } }
        return peer
    }

    func stop() async throws {
        tasks.withLock { $0 }.forEach { $0.cancel() }
        try await server.withLock { $0 }?.shutdown(grace: .zero)
    }

    /// Again and again, whatever the node says to it.
    private func run(_ body: @escaping @Sendable () async throws -> Void) {
        let task = Task {
            while !Task.isCancelled {
                try? await body()
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        tasks.withLock { $0.append(task) }
    }

    private func connect(_ body: (HTTPConnection) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let connection = try await HTTPConnection.connect(
            to: .tcp("127.0.0.1", port),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            tls: try TLSClient(trust: .judged { _ in .accepted }, identity: identity)
        )
        do {
            try await body(connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    /// A link with adverts, and then batches of 8 MiB of which the last byte does not come for a while.
    private func push() async throws {
        try await connect { connection in
            let stream = try await connection.open(RequestHead(method: "POST", path: "/v1/link"))
            guard try await stream.response().status == 200 else { return }
            counts.withLock { $0.links += 1 }
            try await stream.write(ByteBuffer(bytes: greeting()))
            let feed = FeedID(region: region, epoch: Epoch(1 << 50))
            let pushed = LinkFrame.PushedBatch(feed: feed, bytes: Largest.batch(number: 0), checkpoint: [1])
            let frame = LinkFrame.batch(pushed).encoded()
            while !Task.isCancelled {
                try await stream.write(ByteBuffer(bytes: frame.dropLast()))
                try await Task.sleep(for: .milliseconds(500))
                try await stream.write(ByteBuffer(bytes: frame.suffix(1)))
            }
        }
    }

    /// What begins a link: many feeds with a few batches each, so that these are asked for at once.
    func greeting() -> [UInt8] {
        let adverts = (0..<32 as Range<UInt32>).compactMap { number in
            let epoch = Epoch(startUnixSeconds: Archives.time - 3600, random: number)
            return Advert(feed: FeedID(region: region, epoch: epoch), first: 0, count: 3)
        }
        return LinkFrame.hello(LinkFrame.Hello(region: region, features: 7)).encoded()
            + LinkFrame.adverts(adverts).encoded()
    }

    /// Asks for a large batch on many streams and reads none of it.
    private func take(_ path: String) async throws {
        try await connect { connection in
            var streams: [ClientStream] = []
            for _ in 0..<30 {
                let stream = try await connection.open(RequestHead(method: "GET", path: path))
                guard try await stream.response().status == 200 else { break }
                counts.withLock { $0.taken += 1 }
                streams.append(stream)
            }
            try await Task.sleep(for: .seconds(20))
            withExtendedLifetime(streams) {}
        }
    }

    /// Answers every request for a batch with the largest one, and links with adverts.
    private struct Largest: RequestHandler {
        let peer: HostilePeer

        func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
            let parts = request.path.split(separator: "/")
            if request.path == "/v1/link" {
                return .run { [peer] body, writer in
                    peer.counts.withLock { $0.links += 1 }
                    try await writer.send(ResponseHead(status: 200))
                    try await writer.write(ByteBuffer(bytes: peer.greeting()))
                    for try await _ in body {}
                }
            }
            guard parts.count == 6, parts[4] == "0", let number = UInt64(parts[5]) else {
                return .respond(ResponseHead(status: 404), nil)
            }
            peer.counts.withLock { $0.served += 1 }
            let checkpoint = [UInt8](repeating: 1, count: 200)
            return .respond(ResponseHead(status: 200), ByteBuffer(bytes: Largest.batch(number: number) + checkpoint))
        }

        /// Bytes of the largest size that a batch may have, in its frame, of which no compression makes less.
        static func batch(number: UInt64) -> [UInt8] {
            var random = SplitMix64(seed: number)
            var bytes = [UInt8](repeating: 0, count: FormatLimits.batchBytes)
            for place in stride(from: 0, to: bytes.count - 8, by: 8) {
                let word = random.next()
                for shift in 0..<8 { bytes[place + shift] = UInt8(truncatingIfNeeded: word >> UInt64(8 * shift)) }
            }
            let genuine = (try? Batch(number: number, publication: Interval(2_681_280), keys: []).bytes) ?? []
            let length = UInt32(bytes.count - 8)
            bytes.replaceSubrange(0..<4, with: genuine.prefix(4))
            for shift in 0..<4 { bytes[4 + shift] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * shift)) }
            return bytes
        }
    }
}
