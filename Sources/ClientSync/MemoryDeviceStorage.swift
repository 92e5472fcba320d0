public import ExposureKeys
public import FeedFormat

/// A `DeviceStorage` that forgets when the process ends.
public actor MemoryDeviceStorage: DeviceStorage {
    private var heldRoster: HeldRoster?
    private var marks: [String: IndexMark] = [:]
    private var parts: [(hash: Hash256, bytes: [UInt8])] = []
    /// Ascending by feed.
    private var heldCursors: [FeedCursor] = []
    private var batches: [HeldBatch] = []
    private var checkpoints: [(feed: FeedID, size: UInt64, note: [UInt8])] = []
    private var heldEvidence: [Evidence] = []
    private var heldEncounters: [Encounter] = []
    private var heldReport: ExposureReport?
    private var book: WitnessBook

    /// - Parameter witnessSeed: by which the phone draws its witnesses; random, where that matters.
    public init(witnessSeed: UInt64 = 0) {
        book = WitnessBook(seed: witnessSeed)
    }

    public func roster() -> HeldRoster? { heldRoster }
    public func hold(_ roster: HeldRoster) { heldRoster = roster }

    public func indexMark(of node: String) -> IndexMark? { marks[node] }
    public func hold(_ mark: IndexMark, of node: String) { marks[node] = mark }

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
    }

    public func cut(_ feed: FeedID, expecting size: UInt64) throws {
        guard heldCursors.first(where: { $0.feed == feed })?.size == size else { throw SyncError.cursorMoved(feed) }
        heldCursors.removeAll { $0.feed == feed }
        batches.removeAll { $0.feed == feed }
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

    public func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) throws -> Result {
        let ordered = batches.filter { $0.feed.region == region }
            .sorted { $0.feed != $1.feed ? $0.feed < $1.feed : $0.number < $1.number }
        return try ordered.reduce(into: initial, update)
    }

    public func dropExpired(now: Interval) {
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
        var merged: [Encounter] = []
        for encounter in (heldEncounters + encounters).sorted(by: { $0.precedes($1) })
        where merged.last.map({ $0.precedes(encounter) }) ?? true {
            merged.append(encounter)
        }
        guard merged.count <= Encounter.maximumHeld else { throw SyncError.tooManyEncounters() }
        defer { heldEncounters = merged }
        return merged.count - heldEncounters.count
    }

    public func encounterLog() -> EncounterLog { EncounterLog(encounters: heldEncounters) }
    public func dropEncounters(before interval: Interval) { heldEncounters.removeAll { $0.interval < interval } }
    public func eraseEncounters() -> Int {
        defer { (heldEncounters, heldReport) = ([], nil) }
        return heldEncounters.count
    }

    public func report() -> ExposureReport? { heldReport }
    public func hold(_ report: ExposureReport) { heldReport = report }
}

extension SyncError {
    /// What a store throws for a commit that does not start where its cursor is.
    public static func cursorMoved(_ feed: FeedID) -> SyncError {
        SyncError(.cursorMoved, "feed \(feed): another sync of this store moved its cursor; let one finish first")
    }

    /// What a store throws for sightings beyond `Encounter.maximumHeld`.
    public static func tooManyEncounters() -> SyncError {
        SyncError(
            .limitReached,
            "more than \(Encounter.maximumHeld) sightings would be held; none was added: leave out days before the last 14"
        )
    }
}
