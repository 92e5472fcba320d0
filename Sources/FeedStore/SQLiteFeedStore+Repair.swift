import ExposureKeys
public import FeedFormat
import Foundation
import GRDB

/// What the store does about damage to its file.
extension SQLiteFeedStore {
    public func damaged(_ feed: FeedID, _ numbers: Range<UInt64>) throws(StoreError) -> [UInt64] {
        try access("checking batches of \(feed)") { database in
            guard let held = try FeedTable.held(feed, in: database) else { return [] }
            let statement = try database.cachedStatement(
                sql: """
                    SELECT number, publication, hash, checkpoint, bytes
                    FROM batch JOIN leaf USING (feed, number) WHERE feed = ? AND number = ?
                    """
            )
            return try numbers.clamped(to: held.numbers).filter { number in
                if try FeedTable.isGap(number, of: held.id, in: database) { return false }
                do {
                    let row = try Row.fetchOne(statement, arguments: [held.id, Int64(number)])
                    return try row.map { try FeedTable.batch($0, of: feed, path: path) } == nil
                } catch let error as StoreError where error.code == .damaged {
                    return true
                }
            }
        }
    }

    public func replace(_ batches: [ProvenBatch]) throws(StoreError) {
        try access("replacing \(batches.count.counted("batch"))") { database in
            for batch in batches { try AppendRules.checkLimits(of: batch) }
            let areGaps = try batches.allSatisfy { batch in
                guard let held = try FeedTable.held(batch.feed, in: database) else { return true }
                return try FeedTable.isGap(batch.number, of: held.id, in: database)
            }
            if !areGaps {
                let finding = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard finding == "ok" else { throw StoreError.corrupt("SQLite finds: \(finding)", path: path) }
            }
            try database.inTransaction(.immediate) {
                for batch in batches {
                    guard let held = try FeedTable.held(batch.feed, in: database), held.numbers.contains(batch.number)
                    else { continue }
                    try FeedTable.replace(batch, feed: held.id, in: database)
                }
                return .commit
            }
        }
    }

    /// Moves the file of a store that is closed, with its log, to a free name beside it. Nothing is deleted: what can
    /// still be read of it may be all that is left of something.
    /// - Returns: the new path, the old one with `.corrupt-1` or a higher number.
    /// - Throws: `.inUse`, `.cannotOpen`, `.io`.
    public static func setAside(_ path: String) throws(StoreError) -> String {
        let path = resolved(path)
        let lock = try FileLock(path: path + ".lock", guarding: path)
        defer { lock.release() }
        let files = FileManager.default
        var number = 1
        // Whatever bears such a name, be it a link, is not replaced.
        while ["", "-wal", "-shm"].contains(where: { OwnFile.isTaken("\(path).corrupt-\(number)\($0)") }) {
            number += 1
        }
        let aside = "\(path).corrupt-\(number)"
        // The log first: beside the old name it would be taken for the new file's.
        for suffix in ["-wal", ""] where files.fileExists(atPath: path + suffix) {
            guard rename(path + suffix, aside + suffix) == 0 else {
                throw StoreError(.io, "\(path + suffix) cannot be moved aside: \(StoreError.text(errno))")
            }
        }
        unlink(path + "-shm")
        let folder = open(
            URL(fileURLWithPath: path).deletingLastPathComponent().path,
            O_RDONLY | O_DIRECTORY | O_CLOEXEC
        )
        if folder >= 0 {
            fsync(folder)
            Foundation.close(folder)
        }
        return aside
    }
}
