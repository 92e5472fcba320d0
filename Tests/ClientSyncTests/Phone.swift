import ClientSync
import ExposureKeys
import FeedFormat
import Testing

/// A store, and what a test asks of it.
struct Phone {
    let storage: any DeviceStorage
    var options: SyncOptions
    /// Nodes that the phone can reach beside the one that it syncs with.
    var others: [FeedServer] = []

    /// - Parameter witnesses: none, where a test is not about them: it counts requests.
    init(_ country: Country, storage: any DeviceStorage = MemoryDeviceStorage(), witnesses: Int = 0) {
        self.storage = storage
        options = SyncOptions(authorities: country.authorities, witnesses: witnesses)
    }

    @discardableResult
    func sync(
        _ server: FeedServer,
        now: Int64 = Sample.now,
        progress: @escaping @Sendable (SyncProgress) -> Void = { _ in }
    ) async throws -> SyncReport {
        let others = others
        return try await SyncSession(
            transport: server,
            storage: storage,
            options: options,
            others: { url in others.first { "\($0.node):80" == url } }
        )
        .run(now: now, progress: progress)
    }

    /// The merged state, region by region, ascending.
    func state() async throws -> [RegionState] {
        var states: [RegionState] = []
        for region in try await storage.regions() {
            states.append(RegionState(region: region, keys: try await storage.keys(of: region)))
        }
        return states
    }

    func size(of feed: FeedID) async throws -> UInt64? {
        try await storage.cursors().first { $0.feed == feed }?.size
    }
}

struct RegionState: Equatable {
    let region: Region
    let keys: RegionKeys

    /// What a phone that has seen every batch of these feeds must hold at `now`.
    static func reference(_ feeds: [PublishedFeed], now: Interval) throws -> [RegionState] {
        var states: [RegionState] = []
        for feed in feeds.sorted(by: { $0.id < $1.id }) {
            var keys = RegionKeys()
            var holdsBatches = false
            for batch in feed.batches where !Expiry.isDropped(publishedAt: batch.publication, now: now) {
                keys.join(RegionKeys(joining: try batch.keys(), publishedAt: batch.publication))
                holdsBatches = true
            }
            guard holdsBatches else { continue }
            if let last = states.last, last.region == feed.id.region {
                keys.join(last.keys)
                states.removeLast()
            }
            states.append(RegionState(region: feed.id.region, keys: keys))
        }
        return states
    }
}

/// A store that fails at the k-th commit, before or after the commit has taken effect, as a killed process would.
struct InterruptedStorage: DeviceStorage {
    let base: any DeviceStorage
    let counter: Counter
    let failing: Int
    let afterwards: Bool

    actor Counter {
        private(set) var value = 0
        func increment() -> Int {
            value += 1
            return value
        }
    }
    struct Killed: Error {}

    init(_ base: any DeviceStorage, failing: Int, afterwards: Bool) {
        self.base = base
        counter = Counter()
        self.failing = failing
        self.afterwards = afterwards
    }

    func commit(_ commit: DeviceCommit) async throws {
        let isLast = await counter.increment() == failing
        if isLast, !afterwards { throw Killed() }
        try await base.commit(commit)
        if isLast { throw Killed() }
    }

    func publications(of feed: FeedID, below number: UInt64) async throws -> [BatchPublication] {
        try await base.publications(of: feed, below: number)
    }
    func roster() async throws -> HeldRoster? { try await base.roster() }
    func hold(_ roster: HeldRoster) async throws { try await base.hold(roster) }
    func indexMark(of node: String) async throws -> IndexMark? { try await base.indexMark(of: node) }
    func forgetIndexMark(of node: String) async throws { try await base.forgetIndexMark(of: node) }
    func hold(_ mark: IndexMark, of node: String) async throws { try await base.hold(mark, of: node) }
    func freshness() async throws -> FreshnessRecord { try await base.freshness() }
    func hold(_ record: FreshnessRecord) async throws { try await base.hold(record) }
    func settledPart(_ hash: Hash256) async throws -> [UInt8]? { try await base.settledPart(hash) }
    func hold(settledPart bytes: [UInt8], hash: Hash256) async throws {
        try await base.hold(settledPart: bytes, hash: hash)
    }
    func cursors() async throws -> [FeedCursor] { try await base.cursors() }
    func cut(_ feed: FeedID, expecting size: UInt64) async throws { try await base.cut(feed, expecting: size) }
    func checkpoint(of feed: FeedID, size: UInt64) async throws -> [UInt8]? {
        try await base.checkpoint(of: feed, size: size)
    }
    func regions() async throws -> [Region] { try await base.regions() }
    func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) async throws -> Result {
        try await base.reduceBatches(of: region, into: initial, update)
    }
    func dropExpired(now: Interval) async throws { try await base.dropExpired(now: now) }
    func evidence() async throws -> [Evidence] { try await base.evidence() }
    func hold(_ evidence: Evidence) async throws { try await base.hold(evidence) }
    func witnessBook() async throws -> WitnessBook { try await base.witnessBook() }
    func hold(_ book: WitnessBook) async throws { try await base.hold(book) }
    func hold(_ encounters: [Encounter]) async throws -> Int { try await base.hold(encounters) }
    func hold(scanTimes: [Int64]) async throws -> Int { try await base.hold(scanTimes: scanTimes) }
    func scanTimes() async throws -> [Int64] { try await base.scanTimes() }
    func encounterLog() async throws -> EncounterLog { try await base.encounterLog() }
    func dropEncounters(before interval: Interval) async throws { try await base.dropEncounters(before: interval) }
    func eraseEncounters() async throws -> Int { try await base.eraseEncounters() }
    func encounterSerial() async throws -> Int64 { try await base.encounterSerial() }
    func encounters(after serial: Int64) async throws -> [Encounter] { try await base.encounters(after: serial) }
    func matchStates() async throws -> [MatchState] { try await base.matchStates() }
    func matchedBatches() async throws -> [MatchedBatch] { try await base.matchedBatches() }
    func hold(_ matched: MatchedBatch) async throws { try await base.hold(matched) }
    func batch(_ number: UInt64, of feed: FeedID) async throws -> HeldBatch? { try await base.batch(number, of: feed) }
    func report() async throws -> ExposureReport? { try await base.report() }
    func hold(_ report: ExposureReport) async throws { try await base.hold(report) }
}
