import ExposureKeys
public import FeedFormat
import Foundation
import GRDB

/// A look into a store's file that changes nothing and takes what can be read of it, however damaged the rest is. A
/// node may have the store open meanwhile.
///
/// Nothing here is to be believed before it has been proven: bytes and checkpoints come as they stand in the file. What
/// a file can cost is bounded, see `StoreReading`: memory by that of one feed and one batch, time by the file's size.
public final class StoreInspection: Sendable {
    private let queue: DatabaseQueue
    private let path: String
    private let version: Int
    /// What is there beside tables that can be read.
    private let foreign: String?
    private let time: ReadingTime

    /// - Throws: `.cannotOpen`; `.corrupt` if the file is no database, or not one that a node has made.
    public convenience init(path: String) throws(StoreError) {
        try self.init(path: path, patience: ReadingTime.patience)
    }

    /// - Parameter patience: how long the reading may take, beside what a file of this size takes.
    package init(path: String, patience: Duration) throws(StoreError) {
        self.path = path
        let time = ReadingTime(bytes: ReadingTime.bytes(of: path), patience: patience)
        self.time = time
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            time.limit(database)
            try StoreReading.restrict(database)
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            (version, foreign) = try queue.read { database in
                guard try Int.fetchOne(database, sql: "PRAGMA application_id") == FeedSchema.applicationID else {
                    throw StoreError.cannotOpen("\(path) is no feed store")
                }
                let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                let faults = try StoreReading.schemaFaults(database, version: version)
                if let fault = faults.unreadable { throw StoreError.corrupt(fault, path: path) }
                return (version, faults.foreign)
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreInspection.wrapped(error, path)
        }
    }

    public func close() {
        try? queue.close()
    }

    /// What is wrong with the file's pages, tables and rows, twenty findings at most: none if a node could open it.
    public func findings() -> [String] {
        do {
            return try [foreign].compactMap { $0 }
                + queue.read { database in
                    // The first version's tables lack what is asked for; a node adds it when it opens the file.
                    guard version > 1 else {
                        return try String.fetchAll(database, sql: "PRAGMA quick_check(20)").filter { $0 != "ok" }
                    }
                    return try StoreReading.problems(database, limit: 20)
                }
        } catch {
            if time.isOver {
                return [
                    "reading it took longer than any whole file of its size takes, and was given up: it is damaged, or the disk "
                        + "is busy; check it again, or restore a backup"
                ]
            }
            return ["the check failed: \(error)"]
        }
    }

    /// A feed as its rows have it.
    public struct Feed: Sendable {
        public let feed: FeedID
        /// Batches that should be held.
        public let numbers: Range<UInt64>
        public let base: Frontier
        /// Hashes from `base.size` on, up to the first that is missing or cannot be read.
        public let leaves: [Hash256]
        /// Numbers of batches of which only the hash had come.
        public let gaps: Set<UInt64>
        fileprivate let id: Int64

        /// The leaf hash of a batch, if it can be read.
        public func leaf(_ number: UInt64) -> Hash256? {
            guard number >= base.size, number - base.size < UInt64(leaves.count) else { return nil }
            return leaves[Int(number - base.size)]
        }

        /// The frontier before the first batch that should be held, as the hashes before it give it.
        public var start: Frontier? {
            var frontier = base
            for number in base.size..<max(base.size, numbers.lowerBound) {
                guard let leaf = leaf(number) else { return nil }
                frontier.append(leaf)
            }
            return frontier
        }
    }

    /// Where the row of a feed is.
    public struct FeedPlace: Sendable {
        fileprivate let id: Int64
    }

    /// The feeds that the file has rows of, in the order of region and epoch; at most as many as a node may hold.
    public func feeds() -> [FeedPlace] {
        // By their place alone: behind a row that cannot be read others may follow.
        let sql = "SELECT id FROM feed ORDER BY region, epoch LIMIT \(StoreReading.feeds)"
        return ((try? queue.read { try Int64.fetchAll($0, sql: sql) }) ?? []).map { FeedPlace(id: $0) }
    }

    /// - Returns: nil if the feed's row cannot be read: `findings` names it.
    public func feed(_ place: FeedPlace) -> Feed? {
        try? queue.read { database in
            let sql = "SELECT region, epoch, base, size, first FROM feed WHERE id = ?"
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [place.id]) else { return nil }
            let record = try FeedRecord(row)
            return Feed(
                feed: record.feed,
                numbers: record.first..<record.size,
                base: record.base,
                leaves: leaves(of: record, id: place.id, in: database),
                gaps: gaps(of: record, id: place.id, in: database),
                id: place.id
            )
        }
    }

    private func leaves(of record: FeedRecord, id: Int64, in database: Database) -> [Hash256] {
        var leaves: [Hash256] = []
        try? {
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT number, hash FROM leaf WHERE feed = ? AND number >= ? ORDER BY number",
                arguments: [id, Int64(record.base.size)]
            )
            while record.base.size + UInt64(leaves.count) < record.size, let row = try rows.next() {
                guard row[0] as Int64? == Int64(record.base.size) + Int64(leaves.count),
                    let hash = Hash256(bytes: try row.bytes(at: 1))
                else { return }
                leaves.append(hash)
            }
        }()
        return leaves
    }

    private func gaps(of record: FeedRecord, id: Int64, in database: Database) -> Set<UInt64> {
        guard version > 1 else { return [] }
        let numbers = try? Int64.fetchAll(
            database,
            sql: "SELECT number FROM gap WHERE feed = ? LIMIT \(FormatLimits.batchesPerFeed)",
            arguments: [id]
        )
        return Set((numbers ?? []).map { UInt64(clamping: $0) })
    }

    /// A batch as its row has it; nil if it is missing or cannot be read.
    public func batch(_ number: UInt64, of feed: Feed) -> ProvenBatch? {
        try? queue.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT bytes, checkpoint, publication FROM batch WHERE feed = ? AND number = ?",
                arguments: [feed.id, Int64(clamping: number)]
            )
            guard let row else { return nil }
            let bytes = try row.bytes(at: 0)
            return ProvenBatch(
                feed: feed.feed,
                number: number,
                publication: Interval(UInt32(clamping: Int64.fromDatabaseValue(row[2]) ?? -1)),
                bytes: bytes,
                leaf: Hash256(leaf: bytes[...]),
                checkpoint: try row.bytes(at: 1)
            )
        }
    }

    private static func wrapped(_ error: any Error, _ path: String) -> StoreError {
        guard let error = error as? DatabaseError else {
            return StoreError(.io, "\(path) cannot be read", cause: error)
        }
        return StoreError(error, systemError: 0, action: "opening the store", path: path)
    }
}
