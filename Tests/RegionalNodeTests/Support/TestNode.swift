import ExposureNotification
import FeedStore
import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix
import RegionalNode
import ServiceLifecycle
import TestSupport

/// A node that runs in this process until it is stopped.
final class TestNode: Sendable {
    let addresses: NodeAddresses
    private let group: ServiceGroup
    private let running: Task<Void, any Error>
    private let admin: HTTPConnection

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    typealias OpenStore = @Sendable (String) throws -> any FeedStorage

    init(
        _ configuration: NodeConfiguration,
        openStore: @escaping OpenStore = { try SQLiteFeedStore(path: $0) }
    ) async throws {
        let (ready, isReady) = AsyncStream<NodeAddresses>.makeStream()
        let node = try RegionalNode(
            configuration,
            logger: TestNode.silent,
            openStore: openStore,
            onReady: { isReady.yield($0) }
        )
        let group = ServiceGroup(services: [node], gracefulShutdownSignals: [], logger: TestNode.silent)
        let running = Task {
            defer { isReady.finish() }
            try await group.run()
        }
        guard let addresses = await ready.first(where: { _ in true }) else {
            try await running.value
            throw TestFailure("the node ended before it was ready")
        }
        self.group = group
        self.running = running
        self.addresses = addresses
        admin = try await TestNode.connect(.unix(addresses.adminSocketPath))
    }

    static func connect(_ address: ConnectAddress) async throws -> HTTPConnection {
        try await HTTPConnection.connect(
            to: address,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: TestNode.silent
        )
    }

    /// Stops the node; returns when nothing of it is left.
    func stop() async throws {
        await admin.close()
        await group.triggerGracefulShutdown()
        try await running.value
    }

    /// Over HTTP/2 from the public listener.
    func get(
        _ path: String,
        method: String = "GET",
        fields: HTTPFields = [:]
    ) async throws -> (ResponseHead, ByteBuffer) {
        let connection = try await TestNode.connect(.tcp("127.0.0.1", addresses.publicPort))
        let head = RequestHead(method: method, path: path, fields: fields)
        do {
            let answer = try await connection.send(head, body: nil, maxBody: 64 << 20)
            await connection.close()
            return answer
        } catch {
            await connection.close()
            throw error
        }
    }

    func status() async throws -> NodeStatus {
        let (head, body) = try await admin.get(AdminRoutes.status, maxBody: 16 << 20)
        guard head.status == 200 else { throw TestFailure("status answered \(head.status)") }
        return try JSONDecoder().decode(NodeStatus.self, from: Data(body.readableBytesView))
    }

    /// What its listener for monitors says.
    func metrics() async throws -> String {
        guard let port = addresses.metricsPort else { throw TestFailure("no listener for monitors") }
        let connection = try await TestNode.connect(.tcp("127.0.0.1", port))
        do {
            let (_, body) = try await connection.get("/metrics", maxBody: 1 << 20)
            await connection.close()
            return String(buffer: body)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Hands an archive to the admin socket, as it is.
    func post(
        _ archive: [UInt8],
        key: ExportVerificationKey?,
        _ options: ImportOptions = ImportOptions()
    ) async throws -> (ResponseHead, ByteBuffer) {
        var fields: HTTPFields = [:]
        fields[AdminRoutes.importOptionsField] = options.field
        if let key { fields[AdminRoutes.verificationKeyField] = Data(key.derRepresentation).base64EncodedString() }
        let head = RequestHead(method: "POST", path: AdminRoutes.importArchive, fields: fields)
        return try await admin.send(head, body: ByteBuffer(bytes: archive), maxBody: 1 << 20)
    }

    /// Hands a roster to the admin socket.
    func install(_ roster: [UInt8]) async throws -> (ResponseHead, ByteBuffer) {
        let head = RequestHead(method: "POST", path: AdminRoutes.roster)
        return try await admin.send(head, body: ByteBuffer(bytes: roster), maxBody: 1 << 20)
    }

    /// A public route, over the admin socket.
    func getLocally(_ path: String) async throws -> ByteBuffer {
        try await admin.get(path, maxBody: 64 << 20).1
    }

    /// Version of the roster that it serves.
    func rosterVersion() async throws -> String? {
        let body = try await getLocally("/v1/roster")
        return String(buffer: body).split(separator: "\n").first { $0.hasPrefix("version ") }.map { String($0) }
    }

    @discardableResult
    func publish(
        _ archive: TestCountry.Archive,
        of country: TestCountry,
        _ options: ImportOptions = ImportOptions()
    ) async throws -> ImportReport {
        let (head, body) = try await post(archive.bytes, key: country.publisher.verificationKey, options)
        guard head.status == 200 else { throw TestFailure(String(buffer: body)) }
        return try JSONDecoder().decode(ImportReport.self, from: Data(body.readableBytesView))
    }
}

/// Runs a test with nodes that it starts; all of them are stopped when it ends, however it ends.
final class Nodes {
    let country: TestCountry
    private var nodes: [Int: TestNode] = [:]

    static func with(
        _ names: String...,
        slot: Int = 3600,
        isSecure: Bool = false,
        lastUntil: Int64 = 4_102_444_800,
        listed: Int? = nil,
        body: (Nodes) async throws -> Void
    ) async throws {
        try await with(names, slot: slot, isSecure: isSecure, lastUntil: lastUntil, listed: listed, body: body)
    }

    static func with(
        _ names: [String],
        slot: Int = 3600,
        isSecure: Bool = false,
        lastUntil: Int64 = 4_102_444_800,
        listed: Int? = nil,
        body: (Nodes) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let nodes = Nodes(
            country: try TestCountry(
                names,
                in: scratch,
                slot: slot,
                isSecure: isSecure,
                lastUntil: lastUntil,
                listed: listed
            )
        )
        do {
            try await body(nodes)
        } catch {
            await nodes.stopAll()
            throw error
        }
        await nodes.stopAll()
    }

    private init(country: TestCountry) {
        self.country = country
    }

    subscript(_ number: Int) -> TestNode {
        get throws {
            guard let node = nodes[number] else { throw TestFailure("node \(number) does not run") }
            return node
        }
    }

    @discardableResult
    func start(
        _ number: Int,
        asOf: Int64 = TestCountry.time,
        isSlow: Bool = false,
        openStore: @escaping TestNode.OpenStore = { try SQLiteFeedStore(path: $0) },
        change: (inout NodeConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        let node = try await country.node(number, asOf: asOf, isSlow: isSlow, openStore: openStore, change: change)
        nodes[number] = node
        return node
    }

    func stop(_ number: Int) async throws {
        try await nodes.removeValue(forKey: number)?.stop()
    }

    private func stopAll() async {
        for node in nodes.values { try? await node.stop() }
    }

    /// Waits until these nodes hold the same feeds, and at least one.
    func converge(_ numbers: Int..., seconds: Double = 20) async throws -> Bool {
        try await eventually(seconds: seconds) {
            var views: Set<[String]> = []
            for number in numbers {
                let feeds = try await self[number].status().feeds
                views.insert(feeds.map { "\($0.feed) \($0.count) \($0.root)" })
            }
            return views.count == 1 && views.first?.isEmpty == false
        }
    }
}
