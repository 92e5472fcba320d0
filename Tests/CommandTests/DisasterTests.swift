import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode
import TestSupport
import Testing

/// What happens to disks and machines, to real nodes: whatever was acknowledged is in the end everywhere, nobody
/// contradicts anybody, and nobody is accused.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DisasterTests {
    /// Four keys that stand and four that are revoked, of one archive.
    private struct Cases {
        let archive: Archives.Archive
        let revocation: Archives.Archive
        let met: [DiagnosisKey]

        init(_ cluster: Cluster) throws {
            archive = try cluster.archives.make("cases.zip", patients: 20)
            revocation = try cluster.archives.revoke("revoked.zip", Array(archive.keys.prefix(4)))
            met = Array(archive.keys.prefix(8))
        }
    }

    /// All these nodes, and phones at each of them, end alike; no alarm anywhere.
    private func expectUnity(_ cluster: Cluster, _ names: String..., holding keys: Set<KeyData>) async throws {
        var held: [HeldFeeds] = []
        for name in names {
            #expect(try await cluster.alarms(name) == [])
            #expect(try await cluster.status(name).lag == 0)
            #expect(try await cluster.stop(name) == 0)
            held.append(try HeldFeeds(name, of: cluster))
        }
        for one in held {
            #expect(one.feeds == held[0].feeds)
            #expect(one.keys == held[0].keys)
            #expect(one.keys.isSuperset(of: keys))
        }
    }

    private func expectWarning(_ phone: Phone, at port: Int, keys: Int) async throws -> ExposureReport {
        let sync = try await phone.sync(port: port)
        #expect(sync.upToDate, "\(sync.problems)")
        #expect(sync.evidence.isEmpty)
        let report = try await phone.match()
        #expect(report.matchedKeys == keys)
        return report
    }

    @Test func aLostDiskComesBackFromTheNeighbours() async throws {
        try await Cluster.with("VN-01", "VN-48", "VN-79") { cluster in
            for region in ["VN-79", "VN-48", "VN-01"] { try await cluster.start(region) }
            let cases = try Cases(cluster)
            let first = try await cluster.import("VN-01", cases.archive.path, cases.revocation.path)
            #expect(first.reports.map { $0.report?.published } == [cases.archive.keys.count, 4])
            #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
            let phone = try Phone("phone", meeting: cases.met, of: cluster)
            let before = try await expectWarning(phone, at: cluster.basePort + 4, keys: 4)
            let old = try await cluster.status("VN-01").feeds.map(\.feed)

            cluster.kill("VN-01")
            try cluster.loseStore("VN-01")
            try await cluster.start("VN-01")
            #expect(try await cluster.converge("VN-01", "VN-48"))
            // The merged state is there again, revocations too: nothing is published twice.
            let again = try await cluster.import("VN-01", cases.archive.path, cases.revocation.path)
            #expect(again.reports.map { $0.report?.published } == [0, 0])
            let more = try cluster.archives.make("more.zip", patients: 5)
            _ = try await cluster.import("VN-01", more.path)
            #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
            let feeds = try await cluster.status("VN-79").feeds.map(\.feed)
            #expect(feeds.count == 2 && Set(feeds).isSuperset(of: old))
            for port in [0, 2, 4] {
                let after = try await expectWarning(phone, at: cluster.basePort + port, keys: 4)
                #expect(after.exposures == before.exposures)
            }
            try await expectUnity(
                cluster,
                "VN-01",
                "VN-48",
                "VN-79",
                holding: cases.archive.data.union(more.data)
            )
            let held = try HeldFeeds("VN-48", of: cluster).feeds
            let new = try #require(held.first { !old.contains($0.feed.description) })
            #expect(new.predecessors.map { "VN-01/\($0)" } == old)
        }
    }

    /// Who imports before the neighbours are there publishes again what they hold: twice the bytes, and no other result.
    @Test func importingBeforeTheDiskIsBackChangesNothingForPhones() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-48", "VN-01"] { try await cluster.start(region) }
            let cases = try Cases(cluster)
            _ = try await cluster.import("VN-01", cases.archive.path, cases.revocation.path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let phone = try Phone("phone", meeting: cases.met, of: cluster)
            let before = try await expectWarning(phone, at: cluster.basePort + 2, keys: 4)

            for region in ["VN-01", "VN-48"] { cluster.kill(region) }
            try cluster.loseStore("VN-01")
            try await cluster.start("VN-01")
            let again = try await cluster.import("VN-01", cases.archive.path)
            #expect(again.reports.map { $0.report?.published } == [cases.archive.keys.count])
            try await cluster.start("VN-48")
            #expect(try await cluster.converge("VN-01", "VN-48"))
            // What is revoked stays so, though the newer epoch says nothing of it.
            for (name, port) in [("phone", 0), ("phone", 2), ("new", 0)] {
                let other = try Phone(name, meeting: cases.met, of: cluster)
                let after = try await expectWarning(other, at: cluster.basePort + port, keys: 4)
                #expect(after.exposures == before.exposures)
            }
            #expect(try await cluster.status("VN-01").ownKeys == cases.archive.keys.count)
            try await expectUnity(cluster, "VN-01", "VN-48", holding: cases.archive.data)
        }
    }

    @Test func anOldImageIsNeverSignedInto() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-48", "VN-01"] { try await cluster.start(region) }
            let archives = try (0..<4).map { try cluster.archives.make("\($0).zip", patients: 10) }
            _ = try await cluster.import("VN-01", archives[0].path)
            try cluster.takeImage("VN-01", as: "image")
            _ = try await cluster.import("VN-01", archives[1].path, archives[2].path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let before = try #require(try await cluster.status("VN-48").feeds.first)
            #expect(before.count == 3)

            cluster.kill("VN-01")
            try cluster.restore("image", to: "VN-01")
            try await cluster.start("VN-01")
            // At once, whether or not the tail of the old epoch is back.
            let new = try await cluster.import("VN-01", archives[3].path, archives[1].path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let feeds = try await cluster.status("VN-01").feeds
            #expect(feeds.count == 2)
            #expect(feeds.contains { $0.feed == before.feed && $0.root == before.root })
            #expect(new.reports.allSatisfy { $0.report?.feed != before.feed })
            // And once it is back, nothing of it is published again.
            let again = try await cluster.import("VN-01", archives[1].path, archives[2].path)
            #expect(again.reports.map { $0.report?.published } == [0, 0])
            let all = archives.reduce(into: Set<KeyData>()) { $0.formUnion($1.data) }
            try await expectUnity(cluster, "VN-01", "VN-48", holding: all)
        }
    }

    /// What follows is passed on and reaches phones, and the batch itself once an image of the disk has brought it back.
    @Test func theOnlyCopyOfABatchRots() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            let archives = try (0..<4).map { try cluster.archives.make("\($0).zip", patients: 40) }
            for archive in archives { _ = try await cluster.import("VN-01", archive.path) }
            try cluster.takeImage("VN-01", as: "image")
            #expect(try await cluster.stop("VN-01") == 0)
            try cluster.rot(batch: 1, of: "VN-01")
            try await cluster.start("VN-01")
            let met = archives.compactMap(\.keys.first)
            let early = try Phone("early", meeting: met, of: cluster)
            let late = try Phone("late", meeting: met, of: cluster)
            let ports = (cluster.basePort, cluster.basePort + 2)
            let damaged = try await early.sync(port: ports.0)
            #expect(damaged.feeds.map(\.state) == ["damaged"] && damaged.feeds.map(\.size) == [4])
            #expect(!damaged.upToDate && damaged.evidence.isEmpty)
            #expect(try await early.match().matchedKeys == 3)

            try await cluster.start("VN-48")
            #expect(try await eventually(seconds: 30) { try await cluster.status("VN-48").feeds.map(\.count) == [4] })
            for phone in [early, late] {
                #expect(try await phone.sync(port: ports.1).feeds.map(\.state) == ["damaged"])
                #expect(try await phone.match().matchedKeys == 3)
            }

            cluster.kill("VN-01")
            try cluster.restore("image", to: "VN-01")
            try await cluster.start("VN-01")
            #expect(try await eventually(seconds: 30) { try await cluster.status("VN-48").lag == 0 })
            for phone in [early, late] { _ = try await expectWarning(phone, at: ports.1, keys: 4) }
            try await expectUnity(
                cluster,
                "VN-01",
                "VN-48",
                holding: archives.reduce(into: []) { $0.formUnion($1.data) }
            )
        }
    }

    @Test func twoCopiesOfANodeAreUnited() async throws {
        try await Cluster.with("VN-01", "VN-48", "VN-79") { cluster in
            for region in ["VN-79", "VN-48", "VN-01"] { try await cluster.start(region) }
            let archives = try (0..<8).map { try cluster.archives.make("\($0).zip", patients: 5) }
            _ = try await cluster.import("VN-01", archives[0].path)
            #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
            try cluster.takeImage("VN-01", as: "image")
            try cluster.restore("image", to: "copy")
            try await cluster.startCopy(of: "VN-01", as: "copy")
            for (number, archive) in archives.dropFirst().enumerated() {
                let name = number.isMultiple(of: 2) ? "copy" : "VN-01"
                let imported = try await cluster.import(name, archive.path)
                #expect(imported.reports.first?.report?.published == archive.keys.count)
            }
            #expect(try await cluster.converge("VN-01", "copy", "VN-48", "VN-79", seconds: 60))
            #expect(try await cluster.status("VN-79").feeds.map(\.count).sorted() == [4, 4])
            let met = archives.prefix(4).compactMap(\.keys.first)
            let phone = try Phone("phone", meeting: met, of: cluster)
            for port in [4, 0, 2] { _ = try await expectWarning(phone, at: cluster.basePort + port, keys: 4) }
            let all = archives.reduce(into: Set<KeyData>()) { $0.formUnion($1.data) }
            try await expectUnity(cluster, "VN-01", "copy", "VN-48", "VN-79", holding: all)
        }
    }
}
