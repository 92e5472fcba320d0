import ExposureKeys
public import FeedFormat
import GRDB

/// A look into a store's file that changes nothing and takes what can be read of it, however damaged the rest is. A
/// node may have the store open meanwhile.
///
/// Nothing here is to be believed before it has been proven: bytes and checkpoints come as they stand in the file.
public final class StoreInspection: Sendable {
    private let queue: DatabaseQueue
    private let path: String

    /// - Throws: `.cannotOpen`, `.corrupt` if the file is no database.
    public init(path: String) throws(StoreError) {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let application = try queue.read { try Int.fetchOne($0, sql: "PRAGMA application_id") }
            guard application == FeedSchema.applicationID else {
                throw StoreError.cannotOpen("\(path) is no feed store")
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

    /// What SQLite finds wrong with the file's pages and tables, twenty findings at most.
    public func findings() -> [String] {
        do {
            let lines = try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check(20)") }
            return lines.filter { $0 != "ok" }
        } catch {
            return ["the check failed: \(error)"]
        }
    }

    /// A feed as its rows have it.
    public struct Feed: Sendable {
        public let feed: FeedID
        /// Batches that should be held.
        public let numbers: Range<UInt64>
        public let base: Frontier
        /// Hashes from `base.size` on; nil where one cannot be read.
        public let leaves: [Hash256?]
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

    /// Those feeds whose rows can be read, ascending.
    public func feeds() -> [Feed] {
        var feeds: [Feed] = []
        let sql = "SELECT region, epoch, base, size, first, id FROM feed ORDER BY region, epoch"
        // Each row by itself: behind one that cannot be read others may follow.
        try? queue.read { database in
            let rows = try Row.fetchCursor(database, sql: sql)
            while let row = try rows.next() {
                guard let record = try? FeedRecord(row, path: path), let id = row[5] as Int64? else { continue }
                feeds.append(
                    Feed(
                        feed: record.feed,
                        numbers: record.first..<record.size,
                        base: record.base,
                        leaves: leaves(of: record, id: id, in: database),
                        id: id
                    )
                )
            }
        }
        return feeds
    }

    private func leaves(of record: FeedRecord, id: Int64, in database: Database) -> [Hash256?] {
        var leaves = [Hash256?](repeating: nil, count: Int(record.size - record.base.size))
        try? {
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT number, hash FROM leaf WHERE feed = ?",
                arguments: [id]
            )
            while let row = try rows.next() {
                guard let number = (row[0] as Int64?).flatMap({ UInt64(exactly: $0) }),
                    (record.base.size..<record.size).contains(number)
                else { continue }
                leaves[Int(number - record.base.size)] = Hash256(bytes: try row.bytes(at: 1))
            }
        }()
        return leaves
    }

    /// A batch as its row has it; nil if it is missing or cannot be read.
    public func batch(_ number: UInt64, of feed: Feed) -> (bytes: [UInt8], checkpoint: [UInt8])? {
        try? queue.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT bytes, checkpoint FROM batch WHERE feed = ? AND number = ?",
                arguments: [feed.id, Int64(clamping: number)]
            )
            return try row.map { (try $0.bytes(at: 0), try $0.bytes(at: 1)) }
        }
    }

    private static func wrapped(_ error: any Error, _ path: String) -> StoreError {
        guard let error = error as? DatabaseError else {
            return StoreError(.io, "\(path) cannot be read", cause: error)
        }
        return StoreError(error, systemError: 0, action: "opening the store", path: path)
    }
}
