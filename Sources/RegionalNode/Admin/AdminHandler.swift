internal import ExposureNotification
internal import FeedFormat
internal import FeedStore
internal import Foundation
internal import HTTP2
internal import NIOCore
internal import Replication

/// The routes of the local socket, for the operator's own commands.
struct AdminHandler: RequestHandler {
    let node: NodeContext
    let driver: ReplicationDriver
    let observer: NodeObserver
    let publicRoutes: PublicHandler

    func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
        switch (request.method, request.path) {
        case ("GET", "/v1/admin/status"):
            return .run { _, writer in
                try await AdminHandler.send(NodeStatus(node, await observer.observe()), status: 200, writer)
            }
        case ("POST", "/v1/admin/import"):
            return .run { body, writer in try await importArchive(request, body, writer) }
        case ("POST", AdminRoutes.roster):
            return .run { body, writer in try await installRoster(body, writer) }
        default:
            return publicRoutes.handle(request, on: connection)
        }
    }

    /// Takes one export archive: checks, picks, publishes, answers with what became of its keys.
    private func importArchive(_ request: RequestHead, _ body: RequestBody, _ writer: ResponseWriter) async throws {
        do {
            if let size = request.fields["content-length"].flatMap({ Int($0) }), size > AdminRoutes.archiveLimit {
                throw HTTPError(.bodyTooLarge, "archives have \(AdminRoutes.archiveLimit >> 20) MiB at most")
            }
            let memory = try ImportMemory.setAside(for: request, besides: node.publisher.keyCount, of: node.memory)
            defer { withExtendedLifetime(memory) {} }
            let archive = try await body.collect(upTo: AdminRoutes.archiveLimit)
            let key = try AdminHandler.verificationKey(request)
            let options = try AdminHandler.options(request)
            let came = node.clock.now
            if !options.trustsClock { await node.waitForClocks() }
            let waited = node.clock.now.duration(since: came)
            var report = try await publish(Array(archive.readableBytesView), verifiedWith: key, options)
            report.waitedMilliseconds = waited
            try await AdminHandler.send(report, status: 200, writer)
        } catch let error as ExportError {
            try await refuse(422, "archive-refused", "The archive was refused", error.description, writer)
        } catch let error as HTTPError where error.code == .bodyTooLarge {
            try await refuse(413, "archive-too-large", "The archive is too large", error.reason, writer)
        } catch let error as NodeError {
            try await refuse(422, "import-refused", "The import was refused", error.description, writer)
        } catch let error as StoreError where error.code == .full {
            try await refuse(507, "store-full", "Nothing was published", error.reason, writer)
        } catch let error as StoreError where error.code == .limitExceeded {
            try await refuse(422, "import-refused", "The import was refused", error.reason, writer)
        } catch let error as StoreError {
            try await refuse(507, "store-failed", "Nothing was published", error.reason, writer)
        } catch let error as FormatError {
            node.alarms.raise(.importNotEncoded, "an import could not be encoded: \(error)")
            try await refuse(500, "not-encodable", "Nothing was published", "\(error)", writer)
        }
    }

    /// Publishes on the store's thread. Everybody hears of it from there, also if whoever asked has gone meanwhile:
    /// what is durable is never left unsaid.
    private func publish(
        _ archive: [UInt8],
        verifiedWith key: ExportVerificationKey,
        _ options: ImportOptions
    ) async throws -> ImportReport {
        let (node, driver) = (node, driver)
        return try await node.queue.run { storage in
            let export = try ExportArchive.open(archive, verifiedWith: key)
            do {
                let clock = node.judgeClock(options)
                let publication = try node.publish(export.keys, options, storage: storage)
                if !publication.batches.isEmpty { driver.report(.published(publication.batches)) }
                let report = ImportReport(export, publication, clock: clock)
                node.metrics.imported(keys: report.keys)
                return report
            } catch let error as StoreError where error.code != .limitExceeded {
                node.care.failed(error)
                throw error
            }
        }
    }

    /// Refuses an import.
    private func refuse(
        _ status: Int,
        _ name: String,
        _ title: String,
        _ detail: String,
        _ writer: ResponseWriter
    ) async throws {
        node.metrics.importRefused()
        try await ProblemDocument(name, status: status, title: title, detail: detail).send(writer)
    }

    private static func verificationKey(_ request: RequestHead) throws -> ExportVerificationKey {
        guard let text = request.fields[AdminRoutes.verificationKeyField], let key = Data(base64Encoded: text) else {
            throw NodeError(.importRefused, "the request gives no verification key of the archive's publisher")
        }
        return try ExportVerificationKey(derOrPEM: [UInt8](key))
    }

    private static func options(_ request: RequestHead) throws -> ImportOptions {
        guard let text = request.fields[AdminRoutes.importOptionsField] else { return ImportOptions() }
        guard let options = ImportOptions(field: text) else {
            throw NodeError(.importRefused, "the request asks for '\(text)', which this version does not know")
        }
        return options
    }

    static func send(_ value: some Encodable, status: Int, _ writer: ResponseWriter) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = ByteBuffer(bytes: try encoder.encode(value))
        try await writer.send(
            ResponseHead(
                status: status,
                fields: ["content-type": "application/json", "content-length": String(body.readableBytes)]
            )
        )
        try await writer.write(body)
        try await writer.finish()
    }
}

/// The contract between the admin socket and the commands that use it.
public enum AdminRoutes {
    public static let status = "/v1/admin/status"
    public static let importArchive = "/v1/admin/import"
    /// Largest archive in bytes.
    public static let archiveLimit = 64 << 20
    /// Base64 of the DER or PEM file of the archive publisher's public key.
    public static let verificationKeyField = "keytide-verification-key"
    /// `ImportOptions.field`; may be absent.
    public static let importOptionsField = "keytide-import-options"
}
