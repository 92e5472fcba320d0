import ExposureKeys
import FeedFormat
import FeedStore
import TestSupport

/// Lives of a store whose disk loses power: each opens what the last one left, compares it with what was acknowledged,
/// works on, and ends at an operation of the disk chosen at random.
struct CrashRuns {
    /// Faults of the store that the comparison must notice.
    enum Plant: String {
        case none
        /// The pragma under which SQLite never waits for the disk.
        case off
        /// The pragma that GRDB's own set-up of write-ahead logging leaves behind.
        case normal
    }

    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    /// How often the rare paths were taken.
    struct Tally: CustomStringConvertible {
        var crashes = 0
        var opening = 0
        var closing = 0
        /// Calls that were under way: found whole, and found not at all.
        var kept = 0
        var lost = 0
        var appended = 0
        var dropped = 0
        var begun = 0

        static func + (left: Tally, right: Tally) -> Tally {
            Tally(
                crashes: left.crashes + right.crashes,
                opening: left.opening + right.opening,
                closing: left.closing + right.closing,
                kept: left.kept + right.kept,
                lost: left.lost + right.lost,
                appended: left.appended + right.appended,
                dropped: left.dropped + right.dropped,
                begun: left.begun + right.begun
            )
        }

        var description: String {
            "power cuts \(crashes) opening \(opening) closed \(closing) kept \(kept) lost \(lost) "
                + "appends \(appended) drops \(dropped) begins \(begun)"
        }
    }

    private let fileSystem: CrashFileSystem
    private let path: String
    private let plant: Plant
    private var random: SplitMix64
    /// What has been acknowledged, in a store that cannot lose anything.
    private let oracle = MemoryFeedStore()
    private var names: Set<String> = []
    /// Publication interval of the newest batch.
    private var clock: UInt32 = 1000
    /// The call whose answer the last crash swallowed.
    private var open: CrashCall?
    private(set) var tally = Tally()

    /// - Parameter path: where the store's lock lies; its content is on a new disk.
    init(seed: UInt64, path: String, plant: Plant, on fileSystem: CrashFileSystem) {
        random = SplitMix64(seed: seed)
        self.path = path
        self.plant = plant
        self.fileSystem = fileSystem
        fileSystem.disk = CrashDisk()
    }

    /// Lives until the power has been cut so many times.
    mutating func run(crashes: Int) throws {
        while tally.crashes < crashes {
            try live()
            fileSystem.disk = fileSystem.disk.restarted(&random)
            tally.crashes += 1
        }
    }

    private mutating func live() throws {
        let disk = fileSystem.disk
        if random.next() % 4 == 0 { disk.fuse = 1 + Int(random.next() % 24) }
        let store: SQLiteFeedStore
        do throws(StoreError) {
            store = try SQLiteFeedStore(path: path)
        } catch {
            guard disk.isDead else { throw Violation(description: "after a power cut it cannot be opened: \(error)") }
            tally.opening += 1
            return
        }
        // On a dead disk this only lets go of the file and the lock.
        defer { try? store.close() }
        do {
            switch plant {
            case .none: break
            case .off: _ = try store.pragma("synchronous = OFF")
            case .normal: _ = try store.pragma("synchronous = NORMAL")
            }
            try compare(store)
            if disk.fuse == nil { disk.fuse = 1 + Int(random.next() % (random.next() % 2 == 0 ? 40 : 600)) }
            for _ in 0..<random.next() % 120 { try work(store) }
            // Closing moves the log into the file and removes it: power may be cut in the middle.
            try store.close()
            tally.closing += 1
        } catch let error as StoreError {
            guard disk.isDead else { throw Violation(description: "a call failed without a reason: \(error)") }
        }
    }

    /// Makes one call and keeps in mind that it was acknowledged, or that nobody knows.
    private mutating func work(_ store: SQLiteFeedStore) throws {
        if random.next() % 32 == 0 {
            _ =
                try random.next() % 2 == 0
                ? store.pragma("wal_checkpoint(PASSIVE)") : store.pragma("wal_checkpoint(TRUNCATE)")
        }
        let call = try nextCall()
        if case .set(let name, _) = call { names.insert(name) }
        open = call
        try call.make(in: store)
        open = nil
        try call.make(in: oracle)
        switch call {
        case .append(_, let base, _):
            tally.appended += 1
            if base != nil { tally.begun += 1 }
        case .drop: tally.dropped += 1
        case .set, .replace: break
        }
    }

    private mutating func nextCall() throws -> CrashCall {
        let held = try oracle.feeds()
        let choice = random.next() % 16
        if choice == 0 { return .drop(Interval(clock - UInt32(random.next() % 40))) }
        if choice == 1 { return .set("setting \(random.next() % 3)", random.bytes(Int(random.next() % 200))) }
        if choice == 2, let late = held.first(where: { !$0.gaps.isEmpty }), let gap = late.gaps.last {
            return .replace(Array(batches(of: late.feed, from: gap).prefix(1)))
        }
        clock += UInt32(random.next() % 3)
        let feed = CrashCall.feeds[Int(random.next() % UInt64(CrashCall.feeds.count))]
        guard let known = held.first(where: { $0.feed == feed }), known.first < known.count else {
            // Nothing held: the feed may begin anywhere beyond what it had.
            let start = (held.first { $0.feed == feed }?.count ?? 0) + random.next() % 6
            let base = Frontier(leaves: (0..<start).map { Hash256(hashing: [UInt8(truncatingIfNeeded: $0)]) })
            return .append(batches(of: feed, from: start), base)
        }
        if choice == 7 {
            let skipped = (0...random.next() % 4).map { Hash256(hashing: [UInt8(truncatingIfNeeded: $0)]) }
            return .append(batches(of: feed, from: known.count + UInt64(skipped.count)), nil, skipped: skipped)
        }
        var appended = batches(of: feed, from: known.count)
        // At times two feeds in one transaction.
        if choice < 6, let other = held.first(where: { $0.feed != feed && $0.first < $0.count }) {
            appended += batches(of: other.feed, from: other.count)
        }
        return .append(appended, nil)
    }

    private mutating func batches(of feed: FeedID, from start: UInt64) -> [ProvenBatch] {
        (start...start + random.next() % 3).map { number in
            let limit: UInt64 = random.next() % 24 == 0 ? 300_000 : 3000
            let bytes =
                random.bytes(8) + Array(repeating: UInt8(truncatingIfNeeded: number), count: Int(random.next() % limit))
            return ProvenBatch(
                feed: feed,
                number: number,
                publication: Interval(clock),
                bytes: bytes,
                leaf: Hash256(leaf: bytes[...]),
                checkpoint: Array("\(feed) size \(number + 1)\n".utf8)
            )
        }
    }

    /// What was acknowledged is there, and of the call that was under way everything or nothing.
    private mutating func compare(_ store: SQLiteFeedStore) throws {
        let finding = try store.pragma("integrity_check")
        guard finding == "ok" else { throw Violation(description: "integrity_check: \(finding ?? "no answer")") }
        let names = names.sorted()
        let found = try CrashContent(of: store, settings: names)
        let acknowledged = try CrashContent(of: oracle, settings: names)
        if let open {
            self.open = nil
            if found == acknowledged {
                tally.lost += 1
                return
            }
            try open.make(in: oracle)
            tally.kept += 1
            guard found != (try CrashContent(of: oracle, settings: names)) else { return }
        } else if found == acknowledged {
            return
        }
        throw Violation(description: "the store has \(found), acknowledged was \(acknowledged)")
    }
}

/// One call of a store's writers, as the node makes it.
enum CrashCall {
    /// With the frontier at which the feed of the first batch begins.
    case append([ProvenBatch], Frontier?, skipped: [Hash256] = [])
    case replace([ProvenBatch])
    case drop(Interval)
    case set(String, [UInt8])

    static let feeds: [FeedID] = ["VN-01", "VN-02", "VN-03"].compactMap { code in
        Region(code).map { FeedID(region: $0, epoch: Epoch(startUnixSeconds: 1_700_000_000, random: 7)) }
    }

    func make(in store: any FeedStorage) throws {
        switch self {
        case .append(let batches, let base, let skipped): try store.append(batches, base: base, skipped: skipped)
        case .replace(let batches): try store.replace(batches)
        case .drop(let limit): _ = try store.drop(publishedAtOrBefore: limit)
        case .set(let name, let value): try store.setSetting(name, value)
        }
    }
}

/// Everything that can be read of a store.
struct CrashContent: Equatable, CustomStringConvertible {
    let feeds: [StoredFeed]
    let batches: [[ProvenBatch]]
    let settings: [[UInt8]?]

    init(of store: any FeedStorage, settings names: [String]) throws {
        feeds = try store.feeds()
        batches = try feeds.map { try store.batches($0.feed, $0.first..<$0.count) }
        settings = try names.map { try store.setting($0) }
    }

    var description: String {
        let feeds = feeds.map { "\($0.feed.region) \($0.first)..<\($0.count)" }.joined(separator: ", ")
        return "\(feeds) and \(settings.count { $0 != nil }) settings"
    }
}
