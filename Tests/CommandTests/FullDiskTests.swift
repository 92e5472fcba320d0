import Foundation
import RegionalNode
import Testing
import TestSupport

/// A node whose disk has no room: it serves what it holds, says what is wrong, and goes on by itself.
@Suite(.serialized, .timeLimit(.minutes(3))) struct FullDiskTests {
    /// The status of a request to a node's public listener.
    private func get(_ path: String, _ cluster: Cluster, port offset: Int) async throws -> Int {
        let url = "https://127.0.0.1:\(cluster.basePort + offset)\(path)"
        let curl = try Child(
            ["/usr/bin/curl", "-s", "-k", "-o", "/dev/null", "-w", "%{http_code}", url],
            in: cluster.scratch
        )
        defer { curl.kill() }
        #expect(try await curl.end(within: 20) == 0)
        return Int(curl.output) ?? 0
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func theNodeIsReadOnlyUntilThereIsRoom() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            let disk = cluster.scratch.file("disk")
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            let mount = try Child(
                ["/bin/mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", disk],
                in: cluster.scratch
            )
            try #require(try await mount.end(within: 10) == 0)
            defer { umount2(disk, Int32(MNT_DETACH)) }
            let ballast = "\(disk)/ballast"
            try Data(repeating: 1, count: 2_200_000).write(to: URL(fileURLWithPath: ballast))
            try await cluster.start("VN-01")
            let store = "\(disk)/store"
            try await cluster.start("VN-48", "--store", store)

            // The neighbour publishes more than fits.
            var archives = 0
            while archives < 60, try await cluster.status("VN-48").trouble == nil {
                let archive = try cluster.archives.make("\(archives).zip", patients: 400)
                #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
                archives += 1
                try await Task.sleep(for: .milliseconds(100))
            }
            let full = try await cluster.status("VN-48")
            #expect(full.trouble?.contains("free space") == true, "\(full)")
            let feed = try #require(full.feeds.first)
            #expect(feed.count > 0 && feed.count < archives)

            // What it holds is served; imports are refused with what to do; its health says so.
            #expect(try await get("/v1/index", cluster, port: 2) == 200)
            for number in 0..<feed.count {
                #expect(try await get("/v1/feeds/\(feed.feed)/0/\(number)", cluster, port: 2) == 200)
            }
            #expect(try await get("/healthz", cluster, port: 2) == 503)
            let own = try cluster.archives.make("own.zip", patients: 2000)
            let refused = try await cluster.import("VN-48", own.path)
            #expect(refused.outcome.status == 1)
            #expect(refused.reports.first?.error?.contains("free space") == true, "\(refused.outcome)")
            let alarms = try await cluster.status("VN-48").alarms
            #expect(alarms.map(\.ended) == [nil], "\(alarms)")
            #expect(alarms.first?.what.contains("does not take batches") == true)

            // It starts on a full disk as well.
            #expect(try await cluster.stop("VN-48") != nil)
            try await cluster.start("VN-48", "--store", store)
            #expect(try await cluster.status("VN-48").feeds.map(\.count) == [feed.count])
            #expect(try await eventually(seconds: 30) { try await cluster.status("VN-48").trouble != nil })

            try FileManager.default.removeItem(atPath: ballast)
            // Nobody asks it for anything: it finds out by itself, and fetches what it lacks.
            #expect(try await eventually(seconds: 20) { try await get("/healthz", cluster, port: 2) == 200 })
            #expect(try await cluster.converge("VN-01", "VN-48", seconds: 60))
            let status = try await cluster.status("VN-48")
            #expect(status.trouble == nil)
            #expect(status.alarms.count == 1)
            #expect(status.alarms.allSatisfy { $0.ended != nil }, "\(status.alarms)")
            #expect(try await cluster.import("VN-48", own.path).reports.first?.report?.published == own.keys.count)
        }
    }
}
