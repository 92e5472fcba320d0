import Foundation
import Testing

/// What phones do most: ask, and hear that there is nothing new.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PollTests {
    @Test func aPollWithNothingNewWritesNothing() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("archive.zip", patients: 10)
            _ = try await cluster.import("VN-01", archive.path)
            let phone = try Phone("phone", meeting: Array(archive.keys.prefix(3)), of: cluster)
            let port = cluster.basePort
            let before = try await phone.sync(port: port)
            #expect(before.upToDate && !before.feeds.isEmpty)
            _ = try await phone.match()
            let content = try phone.storeContent()
            let again = try await phone.sync(port: port)
            #expect(again.upToDate && again.feeds.isEmpty)
            #expect(try phone.storeContent() == content)
        }
    }
}
