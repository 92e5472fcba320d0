internal import Foundation

/// How much the store takes and how much its disk has left.
struct DiskUsage: Sendable {
    /// The database with its log.
    let storeBytes: Int64
    /// What this process may still write there.
    let freeBytes: Int64

    /// - Parameter storePath: of the database; SQLite keeps its log beside it.
    init(storePath: String) {
        storeBytes = ["", "-wal", "-shm"].reduce(0) { sum, suffix in
            let attributes = try? FileManager.default.attributesOfItem(atPath: storePath + suffix)
            return sum + ((attributes?[.size] as? NSNumber)?.int64Value ?? 0)
        }
        var disk = statvfs()
        freeBytes = statvfs(storePath, &disk) == 0 ? Int64(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize)) : 0
    }
}
