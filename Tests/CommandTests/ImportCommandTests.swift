import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// `keytide import`: what is taken, what is refused, and what a full disk does.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ImportCommandTests {
    @Test func importingTwicePublishesNothingNew() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 50)
            let first = try await cluster.import("VN-01", archive.path)
            #expect(first.outcome.status == 0)
            #expect(first.reports.first?.report?.published == archive.keys.count)
            let before = try await cluster.status("VN-01").feeds
            let second = try await cluster.import("VN-01", archive.path)
            #expect(second.outcome.status == 0)
            #expect(second.reports.first?.report?.published == 0)
            #expect(second.reports.first?.report?.duplicates == archive.keys.count)
            #expect(second.reports.first?.report?.batches == 0)
            #expect(try await cluster.status("VN-01").feeds.map(\.root) == before.map(\.root))

            // Nor does the same after a restart, which would begin a new epoch if there were anything new.
            #expect(try await cluster.stop("VN-01") == 0)
            try await cluster.start("VN-01")
            #expect(try await cluster.import("VN-01", archive.path).reports.first?.report?.published == 0)
            #expect(try await cluster.status("VN-01").feeds.map(\.feed) == before.map(\.feed))
        }
    }

    @Test func badArchivesAreRefusedAndTheOthersTaken() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let good = try cluster.archives.make("good.zip", patients: 20)
            let stranger = try Archives(in: cluster.scratch).make("stranger.zip", patients: 5)
            let scratch = cluster.scratch
            let cut = try scratch.write(good.bytes.prefix(good.bytes.count * 2 / 3), "cut.zip")
            var altered = good.bytes
            altered[altered.count / 3] ^= 0x20
            let wrong = try scratch.write(altered, "altered.zip")
            let empty = try scratch.write([], "empty.zip")
            let noise = try scratch.write(Array("PK, this is none".utf8), "noise.zip")
            // The stranger's key was written over ours: `key` is ours again.
            let key = try scratch.write(cluster.archives.signer.verificationKey.derRepresentation, "ours.der")
            let imported = try await cluster.import(
                "VN-01",
                cut,
                wrong,
                empty,
                noise,
                stranger.path,
                scratch.file("missing.zip"),
                good.path,
                key: key
            )
            #expect(imported.outcome.status == 1)
            let lines = imported.reports
            try #require(lines.count == 7)
            for line in lines.dropLast() {
                #expect(line.report == nil)
                #expect(line.error?.isEmpty == false, "\(line.archive)")
            }
            #expect(lines[4].error?.contains("ignature") == true, "\(lines[4].error ?? "")")
            #expect(lines[5].error?.contains("missing.zip cannot be read") == true)
            #expect(lines[6].report?.published == good.keys.count)
            #expect(try await cluster.status("VN-01").feeds.map(\.count) == [1])

            // An archive without keys is no error, and publishes nothing.
            let bare = try scratch.write(cluster.archives.archive(of: []), "bare.zip")
            let nothing = try await cluster.import("VN-01", bare, key: key)
            #expect(nothing.reports.first?.report?.published == 0, "\(nothing.outcome)")
            let noKey = try await cluster.import("VN-01", good.path, key: noise)
            #expect(noKey.outcome.status == 1)
            #expect(noKey.reports.first?.error?.contains("P-256") == true, "\(noKey.outcome)")

            #expect(try await cluster.stop("VN-01") == 0)
            #expect(try HeldFeeds("VN-01", of: cluster).keys == good.data)
        }
    }

    @Test func noNodeIsSaidSo() async throws {
        try await Cluster.with("VN-01") { cluster in
            let archive = try cluster.archives.make("a.zip", patients: 1)
            let refused = try await cluster.import("VN-01", archive.path)
            #expect(refused.outcome.status == 1)
            #expect(refused.outcome.complaints.count == 1)
            #expect(refused.outcome.errors.contains("Is it running"))
        }
    }

    /// A node raises soft limits to the hard ones, so both are set, and a start without them takes them back.
    @Test func aLimitOnFileSizesRefusesAndRecovers() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01", under: ["/usr/bin/prlimit", "--fsize=400000:400000"])
            // The start in between begins an epoch, and so a second feed.
            let accepted = try await fill(cluster, feeds: 2) {
                #expect(try await cluster.stop("VN-01") == 0)
                try await cluster.start("VN-01")
            }
            #expect(try await cluster.stop("VN-01") == 0)
            #expect(try HeldFeeds("VN-01", of: cluster).keys == accepted)
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root")) func aFullDiskRefusesAndRecovers()
        async throws
    {
        try await Cluster.with("VN-01") { cluster in
            let disk = cluster.scratch.file("disk")
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            let mount = try Child(
                ["/bin/mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", disk],
                in: cluster.scratch
            )
            try #require(try await mount.end(within: 10) == 0)
            defer { umount2(disk, Int32(MNT_DETACH)) }
            let ballast = cluster.scratch.file("disk/ballast")
            try Data(repeating: 1, count: 1_400_000).write(to: URL(fileURLWithPath: ballast))
            try await cluster.start("VN-01", "--store", "\(disk)/store")
            _ = try await fill(cluster, feeds: 1) { try FileManager.default.removeItem(atPath: ballast) }
            #expect(try await cluster.stop("VN-01") == 0)
        }
    }

    /// Imports until the disk is full, has it freed, and imports what was refused; then the region has so many feeds.
    /// - Returns: the keys of all archives that were taken.
    private func fill(
        _ cluster: Cluster,
        feeds: Int,
        free: () async throws -> Void
    ) async throws -> Set<KeyData> {
        var accepted: Set<KeyData> = []
        var refused: Archives.Archive?
        for number in 0..<40 {
            let archive = try cluster.archives.make("fill-\(number).zip", patients: 400)
            let imported = try await cluster.import("VN-01", archive.path)
            let line = try #require(imported.reports.first)
            guard let error = line.error else {
                accepted.formUnion(archive.data)
                continue
            }
            #expect(error.contains("Nothing was published"), "\(error)")
            #expect(error.contains("free space"), "\(error)")
            refused = archive
            break
        }
        let archive = try #require(refused, "the disk was never full")
        #expect(!accepted.isEmpty)
        let full = try await cluster.status("VN-01")
        #expect(full.trouble?.contains("free space") == true)
        #expect(full.ownKeys == accepted.count)
        try await free()
        let again = try await cluster.import("VN-01", archive.path)
        #expect(again.reports.first?.report?.published == archive.keys.count, "\(again.outcome)")
        accepted.formUnion(archive.data)
        let status = try await cluster.status("VN-01")
        #expect(status.trouble == nil)
        #expect(status.feeds.count == feeds)
        return accepted
    }

    static let data = ProcessInfo.processInfo.environment["KEYTIDE_DATA"]

    /// The hourly files of a day hold the same keys as its daily file.
    @Test(.enabled(if: data != nil, "KEYTIDE_DATA does not name a folder with real exports"))
    func hoursAfterTheirDayPublishNothingNew() async throws {
        let folder = try #require(Self.data)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let hours = names.filter { $0.hasPrefix("eur-hourly-2020-12-23") }
        try #require(!hours.isEmpty)
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let key = "\(folder)/cwa-export-public-key.der"
            let day = try await cluster.import("VN-01", "\(folder)/eur-daily-2020-12-23.zip", key: key)
            #expect((day.reports.first?.report?.published ?? 0) > 10_000)
            let root = try await cluster.status("VN-01").feeds.map(\.root)
            for hour in hours {
                let imported = try await cluster.import("VN-01", "\(folder)/\(hour)", key: key)
                #expect(imported.reports.first?.report?.published == 0, "\(hour): \(imported.outcome)")
            }
            #expect(try await cluster.status("VN-01").feeds.map(\.root) == root)
        }
    }
}
