import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// A phone's store in one SQLite file of mode 0600, with `-wal` and `-shm` beside it while open.
///
/// Every call is one transaction in write-ahead mode with `synchronous = FULL`: what returned is on the disk, what did
/// not return has left no trace. Several processes may open one file; a commit whose cursor another has moved is refused.
///
/// Sightings are sealed under a key that is not in the file, each on its own: what is damaged costs no other. Their
/// ten-minute interval and their number are all that the file tells without the key. What matching them gave is sealed,
/// too; what anybody can fetch from a node is not.
///
/// Losing the file, or the key, costs the sightings, which exist nowhere else; all other content comes back with a
/// sync. It grows by about 15 bytes a key of the last 15 days, and 98 bytes a sighting of the same time.
public final class DeviceStore: Sendable {
    private let queue: DatabaseQueue
    let path: String
    /// Nil without a key. An erasure renews it.
    let sealing: Mutex<EncounterSealing?>

    /// Opens a store, or creates one. What a former version kept in the clear is sealed, and its pages overwritten.
    /// - Parameters:
    ///   - path: of the file; its directory must exist.
    ///   - key: of the sightings. The first one given is theirs from then on. Without a key they can be forgotten and
    ///     erased, but neither read nor added to.
    /// - Throws: `DeviceStoreError`: `.cannotOpen`, `.newerSchema`, `.corrupt`, `.full`, `.inUse`, `.io`; `.wrongKey`;
    ///   `.keyNeeded` if there are sightings in the clear and no key.
    public convenience init(path: String, key: EncounterLogKey? = nil) throws {
        try self.init(path: path, access: key.map { .key($0) } ?? .none)
    }

    init(path: String, access: EncounterTables.Access) throws {
        self.path = path
        try DeviceStore.createPrivately(path)
        do {
            let queue = try DatabaseQueue(path: path, configuration: DeviceStore.configuration(path: path))
            self.queue = queue
            let unlocked = try queue.writeWithoutTransaction { database in
                try DeviceSchema.prepare(database, path: path, access: access)
                // Whoever is in the way now, or wherever there is no room now, the next opening tries again.
                do { _ = try EncounterTables.scrub(database) } catch let error as DatabaseError
                    where error.resultCode == .SQLITE_FULL
                {}
                return try EncounterTables.unlock(database, path: path, access: access)
            }
            sealing = Mutex(unlocked)
        } catch let error as DatabaseError {
            throw DeviceStoreError(error, action: "opening the store", path: path, connection: nil)
        }
    }

    /// The value of a pragma.
    package func pragma(_ text: StaticString) async throws -> String? {
        try await read("reading a pragma") { try String.fetchOne($0, sql: "PRAGMA \(text)") }
    }

    /// Lets the file grow to this many pages, as a disk that is full would.
    package func limitPages(to count: Int) async throws {
        try await execute("PRAGMA max_page_count = \(count)")
    }

    /// Runs a statement outside any transaction.
    package func execute(_ statement: String) async throws {
        try await queue.writeWithoutTransaction { try $0.execute(sql: statement) }
    }

    /// The first column of what a query finds, as text.
    package func texts(_ query: String) async throws -> [String] {
        try await read("reading for a test") { try String.fetchAll($0, sql: query) }
    }

    /// Runs `body` in one transaction that is there as a whole or not at all.
    func write<Result: Sendable>(
        _ action: String,
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        let path = path
        return try await queue.writeWithoutTransaction { database in
            do {
                var result: Result?
                try database.inTransaction(.immediate) {
                    result = try body(database)
                    return .commit
                }
                guard let result else { throw DeviceStoreError(.io, "\(action) in \(path) gave no result") }
                return result
            } catch let error as DatabaseError {
                throw DeviceStoreError(error, action: action, path: path, connection: database)
            }
        }
    }

    /// Runs `body` outside any transaction.
    func maintain<Result: Sendable>(
        _ action: String,
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        let path = path
        return try await queue.writeWithoutTransaction { database in
            do {
                return try body(database)
            } catch let error as DatabaseError {
                throw DeviceStoreError(error, action: action, path: path, connection: database)
            }
        }
    }

    /// Runs `body` on one snapshot.
    func read<Result: Sendable>(
        _ action: String,
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        let path = path
        return try await queue.read { database in
            do {
                return try body(database)
            } catch let error as DatabaseError {
                throw DeviceStoreError(error, action: action, path: path, connection: database)
            }
        }
    }

    /// Creates the file empty, so that no moment exists in which others may read it. The files beside it take its mode.
    private static func createPrivately(_ path: String) throws(DeviceStoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard file >= 0 else {
            throw DeviceStoreError(
                .cannotOpen,
                """
                \(path) cannot be opened: \(String(cString: strerror(errno))); check that its directory exists and that \
                you may read and write there
                """
            )
        }
        defer { close(file) }
        guard fchmod(file, 0o600) == 0 else {
            throw DeviceStoreError(
                .cannotOpen,
                "the mode of \(path) cannot be set to 0600: \(String(cString: strerror(errno))); use a file of your own"
            )
        }
    }

    private static func configuration(path: String) -> Configuration {
        var configuration = Configuration()
        configuration.label = "DeviceStore"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw DeviceStoreError(
                    .cannotOpen,
                    "\(path) does not allow a write-ahead log; put the store on a local file system"
                )
            }
            // Set here and not by GRDB's own set-up of write-ahead logging, which ends with synchronous = NORMAL: a
            // power cut would undo commits that have returned, and with them sightings.
            try database.execute(
                sql: """
                    PRAGMA synchronous = FULL; PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 16777216;
                    PRAGMA secure_delete = ON
                    """
            )
        }
        return configuration
    }
}
