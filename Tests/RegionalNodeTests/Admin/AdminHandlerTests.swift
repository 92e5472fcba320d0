import ExposureNotification
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import Testing
import TestSupport

/// The operator's socket.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AdminHandlerTests {
    @Test func importsSayWhatBecameOfEveryKey() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let archive = try nodes.country.archive(patients: 20)
            let report = try await node.publish(archive, of: nodes.country)
            #expect(report.keys == archive.keys.count)
            #expect(report.published == archive.keys.count)
            #expect(report.expired + report.notYetEnded + report.malformed + report.duplicates == 0)
            #expect(report.batches == 1)
            #expect(report.feedCount == 1)
            #expect(report.feed?.hasPrefix("VN-01/") == true)
            let again = try await node.publish(archive, of: nodes.country)
            #expect(again.published == 0)
            #expect(again.duplicates == archive.keys.count)
            #expect(again.feed == nil)
            #expect(try await node.status().ownKeys == archive.keys.count)
        }
    }

    @Test func refusalsAreProblemDocumentsAndPublishNothing() async throws {
        try await Nodes.with("VN-01") { nodes in
            let node = try await nodes.start(0)
            let archive = try nodes.country.archive(patients: 2)
            let stranger = try nodes.country.archive(patients: 2)
            var altered = archive.bytes
            altered[altered.count / 2] ^= 1
            let ours = nodes.country.publisher.verificationKey
            let other = try TestCountry(["VN-01"], in: nodes.country.scratch).publisher.verificationKey
            for (bytes, key, name) in [
                (archive.bytes, nil, "import-refused"), ([], ours, "archive-refused"),
                (altered, ours, "archive-refused"), (Array(archive.bytes.dropLast(9)), ours, "archive-refused"),
                (stranger.bytes, other, "archive-refused"),
            ] {
                let (head, body) = try await node.post(bytes, key: key)
                #expect(head.status == 422)
                #expect(head.fields["content-type"] == "application/problem+json")
                #expect(String(buffer: body).contains("urn:keytide:problem:\(name)"), "\(String(buffer: body))")
            }
            let (head, body) = try await node.post(
                [UInt8](repeating: 0, count: AdminRoutes.archiveLimit + 1),
                key: ours
            )
            #expect(head.status == 413)
            #expect(String(buffer: body).contains("urn:keytide:problem:archive-too-large"))
            let status = try await node.status()
            #expect(status.feeds.isEmpty)
            #expect(status.ownKeys == 0)
        }
    }

    @Test func theSocketIsItsOwnersAloneAndGoesWithTheNode() async throws {
        try await Nodes.with("VN-01") { nodes in
            let path = try await nodes.start(0).addresses.adminSocketPath
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            try await nodes.stop(0)
            #expect(!FileManager.default.fileExists(atPath: path))
            // Nothing holds the store or the ports any more.
            try await nodes.start(0)
        }
    }

    @Test(arguments: [(0o777, true), (0o757, true), (0o1777, false), (0o775, false), (0o700, false)])
    func aDirectoryThatEverybodyWritesToIsNoPlaceForTheSocket(mode: Int, isRefused: Bool) async throws {
        try await Nodes.with("VN-01") { nodes in
            // Another one than the store's, which is judged more strictly.
            let folder = nodes.country.scratch.file("run")
            let files = FileManager.default
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
            let socket = "\(folder)/s"
            if isRefused {
                let error = await #expect(throws: NodeError.self) {
                    try await nodes.start(0, change: { $0.adminSocketPath = socket })
                }
                #expect(error?.code == .listen)
                #expect(error?.reason.contains(folder) == true && error?.reason.contains("admin.socket") == true)
            } else {
                try await nodes.start(0, change: { $0.adminSocketPath = socket })
            }
        }
    }
}
