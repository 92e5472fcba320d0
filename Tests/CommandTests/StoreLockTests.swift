import Foundation
import RegionalNode
import Testing

/// One store, one process, whatever the store is called.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoreLockTests {
    /// A node that must not start over this store.
    private func expectRefusal(_ cluster: Cluster, store: String, _ words: String...) async throws {
        let command = [
            Keytide.executable, "node", "--config", cluster.path("VN-01.json"), "--as-of", Archives.timeText, "--store",
            store, "--listen-public", "127.0.0.1:0", "--admin-socket", cluster.path("second.socket"),
        ]
        let child = try Child(command, in: cluster.scratch)
        defer { child.kill() }
        #expect(try await child.end(within: 20) == 1, "the node started")
        for word in words { #expect(child.errors.contains(word), "\(child.errors)") }
        #expect(child.errors.split(separator: "\n").count == 1, "\(child.errors)")
    }

    @Test func everyNameOfAStoreMeetsTheLock() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            _ = try await cluster.import("VN-01", cluster.archives.make("1.zip", patients: 5).path)
            let store = cluster.path("VN-01.store")
            let files = FileManager.default
            try await expectRefusal(cluster, store: store, "in use by process \(try cluster.node("VN-01").identifier)")
            let symbolic = cluster.path("symbolic")
            try files.createSymbolicLink(atPath: symbolic, withDestinationPath: store)
            try await expectRefusal(cluster, store: symbolic, "in use by process")
            // Without the lock file, which anybody may take for rubbish.
            try files.removeItem(atPath: store + ".lock")
            try await expectRefusal(cluster, store: store, "in use")
            let hard = cluster.path("hard")
            try files.linkItem(atPath: store, toPath: hard)
            try await expectRefusal(cluster, store: hard, "in use", "another name")
            try files.removeItem(atPath: hard)
            // Moved away under the running node.
            let moved = cluster.path("moved")
            try files.moveItem(atPath: store, toPath: moved)
            try await expectRefusal(cluster, store: moved, "in use")
            try files.moveItem(atPath: moved, toPath: store)
            #expect(try await cluster.status("VN-01").trouble == nil)
            #expect(try await cluster.stop("VN-01") == 0)
            #expect(try HeldFeeds("VN-01", of: cluster).feeds.map(\.count) == [1])
        }
    }

    @Test func aKilledNodeLeavesNoLock() async throws {
        try await Cluster.with("VN-01") { cluster in
            for _ in 0..<3 {
                try await cluster.start("VN-01")
                cluster.kill("VN-01")
            }
            try await cluster.start("VN-01")
            // A copy is a store of its own.
            try cluster.takeImage("VN-01", as: "image")
            try cluster.restore("image", to: "copy")
            try await cluster.startCopy(of: "VN-01", as: "copy")
            #expect(try await cluster.status("copy").region == "VN-01")
        }
    }

    /// What was stored last may lie in a log beside the other name.
    @Test func aStoreWithTwoNamesIsRefused() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            #expect(try await cluster.stop("VN-01") == 0)
            let store = cluster.path("VN-01.store")
            let hard = cluster.path("hard")
            try FileManager.default.linkItem(atPath: store, toPath: hard)
            try await expectRefusal(cluster, store: store, "2 names", "hard links")
            try FileManager.default.removeItem(atPath: hard)
            try await cluster.start("VN-01")
        }
    }
}
