import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Testing

/// A file system that is really full. Needs the right to mount one.
@Suite(.serialized) struct FullDiskTests {
    fileprivate static let canMount: Bool = {
        guard getuid() == 0, let scratch = try? Scratch(), let disk = try? SmallDisk(at: scratch.folder, mebibytes: 1)
        else { return false }
        disk.unmount()
        return true
    }()

    @Test(.enabled(if: canMount, "mounting a small file system needs root"), arguments: [300, 40_000, 900_000])
    func nothingIsHalfWrittenAndAppendsWorkAgain(size: Int) throws {
        let scratch = try Scratch()
        let disk = try SmallDisk(at: scratch.folder, mebibytes: 24)
        defer { disk.unmount() }
        let filler = scratch.folder.appendingPathComponent("filler")
        try Data(repeating: 1, count: 12 << 20).write(to: filler)
        let store = try SQLiteFeedStore(path: scratch.path)
        let (first, second) = (try feed("VN-01"), try feed("VN-02"))

        // Nearly all free space is taken at once, so that small batches meet the end within a moment, too.
        try store.append([batch(first, 0, size: size), batch(second, 0, size: size)])
        try disk.fill(leaving: max(64_000, 3 * size))
        var count: UInt64 = 1
        var error: StoreError?
        while count < 3000, error == nil {
            error = storeError {
                try store.append([batch(first, count, size: size), batch(second, count, size: size)])
            }
            if error == nil { count += 1 }
        }
        #expect(error?.code == .full)
        #expect(error?.reason.contains("free space") == true)
        let held = try store.feeds()
        #expect(held.map(\.count) == [count, count])
        #expect(try store.batch(second, count) == nil)

        // Full still, refused again; reading works.
        #expect(storeError { try store.append([batch(first, count, size: 2_000_000)]) }?.code == .full)
        #expect(try store.feeds() == held)
        #expect(try store.batch(second, count - 1) == batch(second, count - 1, size: size))

        try FileManager.default.removeItem(at: filler)
        try store.append([batch(first, count, size: size), batch(second, count, size: size)])
        try store.close()
        let reopened = try SQLiteFeedStore(path: scratch.path)
        #expect(try reopened.feeds().map(\.count) == [count + 1, count + 1])
        #expect(try reopened.batches(first, 0..<count + 1) == (0...count).map { batch(first, $0, size: size) })
        try reopened.close()
    }
}

extension FullDiskTests {
    /// There must be room for the files beside the store, at least.
    @Test(.enabled(if: canMount, "mounting a small file system needs root"))
    func openingWithoutAnyRoomSaysSo() throws {
        let scratch = try Scratch()
        let disk = try SmallDisk(at: scratch.folder, mebibytes: 2)
        defer { disk.unmount() }
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append((0..<40).map { batch(try feed("VN-01"), $0, size: 4000) })
        try store.close()
        try disk.fill(leaving: 0)
        let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
        #expect(error?.code == .full, "\(error?.description ?? "it opened")")
        #expect(error?.reason.contains("free space") == true)
        try FileManager.default.removeItem(at: scratch.folder.appendingPathComponent("ballast"))
        let reopened = try SQLiteFeedStore(path: scratch.path)
        #expect(try reopened.feeds().map(\.count) == [40])
        try reopened.close()
    }
}

/// A file system in memory of a few mebibytes.
private struct SmallDisk {
    private let folder: URL

    init(at folder: URL, mebibytes: Int) throws {
        self.folder = folder
        try SmallDisk.run("/bin/mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=0700", "tmpfs", folder.path)
    }

    func unmount() {
        try? SmallDisk.run("/bin/umount", "-l", folder.path)
    }

    /// Takes all space but so many bytes.
    func fill(leaving bytes: Int) throws {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { throw POSIXError(.EIO) }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        try Data(repeating: 1, count: max(0, free - bytes)).write(to: folder.appendingPathComponent("ballast"))
    }

    private static func run(_ command: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw POSIXError(.EPERM) }
    }
}
