public import ExposureKeys
internal import ExposureNotification
public import FeedFormat

/// A `DeviceStorage` that forgets when the process ends.
public actor MemoryDeviceStorage: DeviceStorage {
    private var heldRoster: HeldRoster?
    private var marks: [String: IndexMark] = [:]
    private var heldFreshness = FreshnessRecord()
    private var parts: [(hash: Hash256, bytes: [UInt8])] = []
    /// Ascending by feed.
    private var heldCursors: [FeedCursor] = []
    private var batches: [HeldBatch] = []
    private var checkpoints: [(feed: FeedID, size: UInt64, note: [UInt8])] = []
    private var heldEvidence: [Evidence] = []
    /// Ascending by identifier and time, with their serials.
    private var heldEncounters: [(encounter: Encounter, serial: Int64)] = []
    private var lastSerial: Int64 = 0
    private var lost = LostSightings()
    /// Ascending.
    private var heldScanTimes: [Int64] = []
    /// Ascending by feed and number.
    private var matched: [MatchedBatch] = []
    private var heldReport: ExposureReport?
    private var book: WitnessBook

    /// - Parameter witnessSeed: by which the phone draws its witnesses; random, where that matters.
    public init(witnessSeed: UInt64 = 0) {
        book = WitnessBook(seed: witnessSeed)
    }

    /// With what another store held.
    public init(_ state: DeviceState) {
        heldRoster = state.roster
        marks = Dictionary(state.marks.map { ($0.node, $0.mark) }, uniquingKeysWith: { $1 })
        parts = state.parts.map { ($0.hash, $0.bytes) }
        (heldCursors, batches) = (state.cursors, state.batches)
        checkpoints = state.checkpoints.map { ($0.feed, $0.size, $0.note) }
        heldEvidence = state.evidence
        heldEncounters = state.sightings.map { ($0.encounter, $0.serial) }
        (heldScanTimes, heldFreshness, lost) = (state.scanTimes, state.freshness, state.lost)
        (lastSerial, matched, heldReport, book) = (state.lastSerial, state.matched, state.report, state.book)
    }

    /// All that is held at this moment.
    public func state() -> DeviceState {
        var state = DeviceState(witnessSeed: book.seed)
        state.roster = heldRoster
        state.marks = marks.map { DeviceState.Mark(node: $0.key, mark: $0.value) }.sorted { $0.node < $1.node }
        state.parts = parts.map { DeviceState.Part(hash: $0.hash, bytes: $0.bytes) }
        state.cursors = heldCursors
        state.batches = batches.sorted(by: MemoryDeviceStorage.precedes)
        // Feeds are followed side by side, so the order in which their checkpoints came is chance; of two of one size the
        // later one stands.
        state.checkpoints = checkpoints.enumerated()
            .sorted { ($0.element.feed, $0.element.size, $0.offset) < ($1.element.feed, $1.element.size, $1.offset) }
            .map { DeviceState.HeldCheckpoint(feed: $1.feed, size: $1.size, note: $1.note) }
        state.evidence = heldEvidence
        state.sightings = heldEncounters.map { DeviceState.Sighting(encounter: $0.encounter, serial: $0.serial) }
        (state.scanTimes, state.freshness, state.lost) = (heldScanTimes, heldFreshness, lost)
        (state.lastSerial, state.matched, state.report, state.book) = (lastSerial, matched, heldReport, book)
        return state
    }

    public func roster() -> HeldRoster? { heldRoster }
    public func hold(_ roster: HeldRoster) { heldRoster = roster }

    public func indexMark(of node: String) -> IndexMark? { marks[node] }
    public func hold(_ mark: IndexMark, of node: String) { marks[node] = mark }
    public func forgetIndexMark(of node: String) { marks[node] = nil }

    public func freshness() -> FreshnessRecord { heldFreshness }
    public func hold(_ record: FreshnessRecord) { heldFreshness = record }

    public func settledPart(_ hash: Hash256) -> [UInt8]? { parts.first { $0.hash == hash }?.bytes }
    public func hold(settledPart bytes: [UInt8], hash: Hash256) {
        parts.removeAll { $0.hash == hash }
        parts.append((hash, bytes))
        if parts.count > 4 { parts.removeFirst() }
    }

    public func cursors() -> [FeedCursor] { heldCursors }

    public func commit(_ commit: DeviceCommit) throws {
        let feed = commit.cursor.feed
        let position = heldCursors.firstIndex { $0.feed >= feed } ?? heldCursors.endIndex
        let isHeld = position < heldCursors.endIndex && heldCursors[position].feed == feed
        guard (isHeld ? heldCursors[position].size : nil) == commit.previousSize else {
            throw SyncError.cursorMoved(feed)
        }
        heldCursors.replaceSubrange(position..<(isHeld ? position + 1 : position), with: [commit.cursor])
        if commit.previousSize == commit.cursor.size {
            let numbers = Set(commit.batches.map(\.number))
            batches.removeAll { $0.feed == feed && numbers.contains($0.number) }
        }
        batches += commit.batches
        if let note = commit.checkpoint { checkpoints.append((feed, commit.cursor.size, note)) }
        commit.matched.forEach { hold($0) }
    }

    public func cut(_ feed: FeedID, expecting size: UInt64) throws {
        guard heldCursors.first(where: { $0.feed == feed })?.size == size else { throw SyncError.cursorMoved(feed) }
        heldCursors.removeAll { $0.feed == feed }
        batches.removeAll { $0.feed == feed }
        matched.removeAll { $0.feed == feed }
        checkpoints.removeAll { $0.feed == feed }
        marks = [:]
    }

    public func checkpoint(of feed: FeedID, size: UInt64) -> [UInt8]? {
        checkpoints.last { $0.feed == feed && $0.size == size }?.note
    }

    public func regions() -> [Region] {
        var regions: [Region] = []
        for region in batches.map(\.feed.region).sorted() where regions.last != region { regions.append(region) }
        return regions
    }

    public func publications(of feed: FeedID, below number: UInt64) -> [BatchPublication] {
        batches.filter { $0.feed == feed && $0.number < number }.sorted(by: MemoryDeviceStorage.precedes)
            .map { BatchPublication(number: $0.number, publication: $0.publication) }
    }

    public func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) throws -> Result {
        let ordered = batches.filter { $0.feed.region == region }
            .sorted(by: MemoryDeviceStorage.precedes)
        return try ordered.reduce(into: initial, update)
    }

    public func dropExpired(now: Interval) {
        for batch in batches where Expiry.isDropped(publishedAt: batch.publication, now: now) {
            matched.removeAll { $0.feed == batch.feed && $0.number == batch.number }
        }
        batches.removeAll { Expiry.isDropped(publishedAt: $0.publication, now: now) }
        let gone = now.advanced(by: -Expiry.batchLifetime)
        heldCursors.removeAll { Expiry.isDropped(publishedAt: $0.lastPublication, now: gone) }
        checkpoints.removeAll { checkpoint in !heldCursors.contains { $0.feed == checkpoint.feed } }
    }

    public func evidence() -> [Evidence] { heldEvidence }
    public func hold(_ evidence: Evidence) {
        guard !heldEvidence.contains(where: { $0.subject == evidence.subject }),
            heldEvidence.filter({ $0.kind == evidence.kind }).count < Evidence.maximumCount,
            heldEvidence.reduce(evidence.byteCount, { $0 + $1.byteCount }) <= Evidence.maximumBytes
        else { return }
        heldEvidence.append(evidence)
    }

    public func witnessBook() -> WitnessBook { book }
    public func hold(_ book: WitnessBook) {
        var merged = WitnessBook(seed: self.book.seed, asked: book.asked, voices: book.voices, disputes: book.disputes)
        for held in self.book.voices {
            if let voice = merged.voice(of: held.region), voice.time < held.time { merged.hold(held) }
        }
        self.book = merged
    }

    public func hold(_ encounters: [Encounter]) throws -> Int {
        let added = encounters.map { ($0, Int64.max) }
        var merged: [(encounter: Encounter, serial: Int64)] = []
        var serial = lastSerial
        for (encounter, former) in (heldEncounters + added).sorted(by: MemoryDeviceStorage.precedes) {
            if let last = merged.last?.encounter, !last.precedes(encounter) {
                merged[merged.count - 1].encounter = last.joined(with: encounter)
                continue
            }
            if former == .max { serial += 1 }
            merged.append((encounter, min(former, serial)))
        }
        bound(&merged)
        heldEncounters = merged
        defer { lastSerial = serial }
        return merged.count { $0.serial > lastSerial }
    }

    /// Drops what there is no room for.
    private func bound(_ merged: inout [(encounter: Encounter, serial: Int64)]) {
        guard merged.count > Encounter.maximumHeld else { return }
        let shown = ([heldFreshness.fetchedUntil] + heldCursors.map(\.lastPublication.unixSeconds)).compactMap { $0 }
        let seed = withUnsafeBytes(of: book.seed) { Array($0) }
        let all = merged
        let dropped = LogBound.dropped(
            of: all.map(\.encounter),
            keeping: Encounter.maximumHeld,
            latest: shown.max()
        ) { position in
            let encounter = all[position].encounter
            let hash = Hash256(hashing: seed + encounter.identifier.bytes + [encounter.schedule.rawValue])
            return hash.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
        lost.add(dropped.lazy.map { all[$0].encounter }, notAfter: LogBound.end(shown.max()))
        var next = dropped[...]
        merged = all.indices.compactMap { position in
            if next.first == position {
                next.removeFirst()
                return nil
            }
            return all[position]
        }
    }

    public func encounterLog() -> EncounterLog {
        EncounterLog(encounters: heldEncounters.map(\.encounter), lost: lost.count)
    }
    public func encounterSerial() -> Int64 { lastSerial }
    public func encounters(after serial: Int64) -> [Encounter] {
        heldEncounters.filter { $0.serial > serial }.map(\.encounter)
    }
    public func dropEncounters(before interval: Interval) {
        heldEncounters.removeAll { $0.encounter.interval < interval }
        heldScanTimes = ScanTimes.kept(heldScanTimes, from: interval)
        lost.forget(before: interval)
    }
    public func eraseEncounters() -> Int {
        defer { (heldEncounters, heldScanTimes, lost, heldReport, matched) = ([], [], LostSightings(), nil, []) }
        return heldEncounters.count
    }

    public func hold(scanTimes: [Int64]) -> Int {
        let former = heldScanTimes.count
        heldScanTimes = ScanTimes.merged(heldScanTimes, scanTimes)
        return max(0, heldScanTimes.count - former)
    }
    public func scanTimes() -> [Int64] { heldScanTimes }

    // MARK: Matching

    public func matchStates() -> [MatchState] {
        batches.sorted(by: MemoryDeviceStorage.precedes).map { batch in
            let seen = matched.first { $0.feed == batch.feed && $0.number == batch.number }?.seen
            return MatchState(feed: batch.feed, number: batch.number, publication: batch.publication, seen: seen)
        }
    }

    public func matchedBatches() -> [MatchedBatch] { matched }

    public func hold(_ new: MatchedBatch) {
        guard batches.contains(where: { $0.feed == new.feed && $0.number == new.number }) else { return }
        let place = matched.firstIndex { ($0.feed, $0.number) >= (new.feed, new.number) } ?? matched.endIndex
        if place < matched.endIndex, matched[place].feed == new.feed, matched[place].number == new.number {
            matched[place] = matched[place].joined(with: new)
        } else {
            matched.insert(new, at: place)
        }
    }

    public func batch(_ number: UInt64, of feed: FeedID) -> HeldBatch? {
        batches.first { $0.feed == feed && $0.number == number }
    }

    public func report() -> ExposureReport? { heldReport }
    public func hold(_ report: ExposureReport) { heldReport = report }

    private static func precedes(_ left: HeldBatch, _ right: HeldBatch) -> Bool {
        left.feed != right.feed ? left.feed < right.feed : left.number < right.number
    }

    private static func precedes(_ left: (Encounter, Int64), _ right: (Encounter, Int64)) -> Bool {
        left.0.precedes(right.0) || !right.0.precedes(left.0) && left.1 < right.1
    }
}

extension SyncError {
    /// What a store throws for a commit that does not start where its cursor is.
    public static func cursorMoved(_ feed: FeedID) -> SyncError {
        SyncError(.cursorMoved, "feed \(feed): another sync of this store moved its cursor; let one finish first")
    }
}
