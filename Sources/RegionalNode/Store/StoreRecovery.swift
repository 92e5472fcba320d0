internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Foundation
internal import Logging

/// Opens a node's store, and replaces one that is broken: its file is moved aside, what of it still proves itself is
/// taken over, and the rest comes again from neighbours like anything that a new node lacks.
struct StoreRecovery: Sendable {
    let path: String
    let roster: @Sendable () -> Roster
    let logger: Logger
    let openStore: @Sendable (String) throws -> any FeedStorage
    /// For the operator, once the node runs.
    private(set) var aside: [FileAside] = []
    private var replaced = 0

    /// Broken stores replaced in one run of the program: each leaves a file behind.
    private static let limit = 3
    /// Bytes of batches taken over in one transaction, more or less.
    private static let stepBytes = 4 << 20

    init(
        path: String,
        roster: @escaping @Sendable () -> Roster,
        logger: Logger,
        openStore: @escaping @Sendable (String) throws -> any FeedStorage
    ) {
        self.path = path
        self.roster = roster
        self.logger = logger
        self.openStore = openStore
    }

    /// - Throws: `StoreError`. A file that no node has had open before is never moved: the setting may name another.
    mutating func open() throws -> any FeedStorage {
        let isKnown = FileManager.default.fileExists(atPath: path + ".lock")
        do {
            return try openStore(path)
        } catch let error as StoreError where error.code == .corrupt && isKnown {
            return try replace(after: error)
        }
    }

    /// Begins a new store. The old one must be closed.
    /// - Throws: `StoreError`; `error` itself if it has happened too often.
    mutating func replace(after error: StoreError) throws -> any FeedStorage {
        guard replaced < StoreRecovery.limit else { throw error }
        replaced += 1
        let aside = try SQLiteFeedStore.setAside(path)
        logger.error("the store is broken and was moved aside", metadata: ["to": "\(aside)", "why": "\(error.reason)"])
        let storage = try openStore(path)
        let count: Int
        do {
            count = try salvage(from: aside, into: storage)
        } catch {
            try? storage.close()
            throw error
        }
        self.aside.append(
            FileAside(
                kind: .storeReplaced,
                path: aside,
                alarm: "the store was broken and was moved to \(aside); \(count.counted("batch")) that still "
                    + "\(count == 1 ? "proves itself was" : "prove themselves were") taken "
                    + "over, the others come again from neighbours; check the disk, and delete that file when all is there"
            )
        )
        return storage
    }

    /// Takes over, of each feed, the batches up to the first one that does not prove itself; of a feed that stands under
    /// a closed key, where the roster vouches for the hashes, all batches that have theirs.
    /// - Returns: how many.
    private func salvage(from aside: String, into storage: any FeedStorage) throws -> Int {
        guard let old = try? StoreInspection(path: aside) else { return 0 }
        defer { old.close() }
        let roster = roster()
        var count = 0
        for place in old.feeds() {
            guard let feed = old.feed(place), let start = feed.start, let rule = roster.rule(for: feed.feed) else {
                continue
            }
            var salvage = FeedSalvage(feed, start: start, rule: rule, old: old)
            while let piece = salvage.next(bytes: StoreRecovery.stepBytes) {
                try storage.append(piece.batches, base: piece.base, skipped: piece.skipped)
                count += piece.batches.count
            }
        }
        return count
    }
}
