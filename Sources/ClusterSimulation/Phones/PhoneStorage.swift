import ClientSync
import ExposureKeys
import FeedFormat

/// The store of one process of a phone: a use of it may be the last, and what becomes durable is noted.
struct PhoneStorage: DeviceStorage {
    let memory: MemoryDeviceStorage
    let process: PhoneProcess
    let planted: PlantedBug?

    func commit(_ commit: DeviceCommit) async throws {
        try process.step()
        let commit = mistaken(commit)
        try await memory.commit(commit)
        process.note(.committed(commit))
    }

    func cut(_ feed: FeedID, expecting size: UInt64) async throws {
        try process.step()
        try await memory.cut(feed, expecting: size)
        process.note(.cut(feed))
    }

    func dropExpired(now: Interval) async throws {
        try process.step()
        await memory.dropExpired(now: now)
    }

    private func mistaken(_ evidence: Evidence) -> Evidence {
        guard planted == .mistakesClaimsForForks, evidence.kind == .indexClaim else { return evidence }
        return Evidence(
            kind: .fork,
            feed: evidence.feed,
            size: evidence.size,
            held: evidence.held,
            contradicting: evidence.contradicting,
            node: evidence.node,
            found: evidence.found
        )
    }

    /// As a mistake would have it.
    private func mistaken(_ commit: DeviceCommit) -> DeviceCommit {
        var batches = commit.batches
        switch planted {
        case .phoneSkipsBatches:
            batches = Array(batches.dropLast())
        case .phoneInventsKeys:
            let cursor = commit.cursor
            let metadata = KeyMetadata(
                rollingStart: cursor.lastPublication.advanced(by: -Interval.perDay),
                rollingPeriod: 144,
                reportType: .confirmed
            )
            let keys = metadata.map { [DiagnosisKey(data: KeyData(high: 1, low: 2), metadata: $0)] } ?? []
            let batch = try? Batch(number: cursor.size, publication: cursor.lastPublication, keys: keys)
            if let batch {
                batches.append(
                    HeldBatch(
                        feed: cursor.feed,
                        number: batch.number,
                        publication: batch.publication,
                        bytes: batch.bytes
                    )
                )
            }
        default:
            return commit
        }
        return DeviceCommit(
            cursor: commit.cursor,
            previousSize: commit.previousSize,
            batches: batches,
            checkpoint: commit.checkpoint
        )
    }
}

/// The rest goes through.
extension PhoneStorage {
    func roster() async throws -> HeldRoster? {
        try process.step()
        return await memory.roster()
    }

    func hold(_ roster: HeldRoster) async throws {
        try process.step()
        await memory.hold(roster)
        process.note(.followed(roster))
    }

    func indexMark(of node: String) async throws -> IndexMark? {
        try process.step()
        return await memory.indexMark(of: node)
    }

    func hold(_ mark: IndexMark, of node: String) async throws {
        try process.step()
        await memory.hold(mark, of: node)
    }

    func forgetIndexMark(of node: String) async throws {
        try process.step()
        await memory.forgetIndexMark(of: node)
    }

    func settledPart(_ hash: Hash256) async throws -> [UInt8]? {
        try process.step()
        return await memory.settledPart(hash)
    }

    func hold(settledPart bytes: [UInt8], hash: Hash256) async throws {
        try process.step()
        await memory.hold(settledPart: bytes, hash: hash)
    }

    func witnessBook() async throws -> WitnessBook {
        try process.step()
        return await memory.witnessBook()
    }

    func hold(_ book: WitnessBook) async throws {
        try process.step()
        await memory.hold(book)
    }

    func cursors() async throws -> [FeedCursor] {
        try process.step()
        return await memory.cursors()
    }

    func checkpoint(of feed: FeedID, size: UInt64) async throws -> [UInt8]? {
        try process.step()
        return await memory.checkpoint(of: feed, size: size)
    }

    func regions() async throws -> [Region] {
        try process.step()
        return await memory.regions()
    }

    func publications(of feed: FeedID, below number: UInt64) async throws -> [BatchPublication] {
        try process.step()
        return await memory.publications(of: feed, below: number)
    }

    func reduceBatches<Result: Sendable>(
        of region: Region,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, HeldBatch) throws -> Void
    ) async throws -> Result {
        try process.step()
        return try await memory.reduceBatches(of: region, into: initial, update)
    }

    func evidence() async throws -> [Evidence] {
        try process.step()
        return await memory.evidence()
    }

    func hold(_ evidence: Evidence) async throws {
        try process.step()
        await memory.hold(mistaken(evidence))
    }

    func hold(_ encounters: [Encounter]) async throws -> Int {
        try process.step()
        return try await memory.hold(encounters)
    }

    func freshness() async throws -> FreshnessRecord {
        try process.step()
        return await memory.freshness()
    }

    func hold(_ record: FreshnessRecord) async throws {
        try process.step()
        await memory.hold(record)
    }

    func hold(scanTimes: [Int64]) async throws -> Int {
        try process.step()
        return await memory.hold(scanTimes: scanTimes)
    }

    func scanTimes() async throws -> [Int64] {
        try process.step()
        return await memory.scanTimes()
    }

    func encounterLog() async throws -> EncounterLog {
        try process.step()
        return await memory.encounterLog()
    }

    func dropEncounters(before interval: Interval) async throws {
        try process.step()
        await memory.dropEncounters(before: interval)
    }

    func eraseEncounters() async throws -> Int {
        try process.step()
        return await memory.eraseEncounters()
    }

    func encounterSerial() async throws -> Int64 {
        try process.step()
        return await memory.encounterSerial()
    }

    func encounters(after serial: Int64) async throws -> [Encounter] {
        try process.step()
        return await memory.encounters(after: serial)
    }

    func matchStates() async throws -> [MatchState] {
        try process.step()
        return await memory.matchStates()
    }

    func matchedBatches() async throws -> [MatchedBatch] {
        try process.step()
        return await memory.matchedBatches()
    }

    func hold(_ matched: MatchedBatch) async throws {
        try process.step()
        await memory.hold(matched)
    }

    func batch(_ number: UInt64, of feed: FeedID) async throws -> HeldBatch? {
        try process.step()
        return await memory.batch(number, of: feed)
    }

    func report() async throws -> ExposureReport? {
        try process.step()
        return await memory.report()
    }

    func hold(_ report: ExposureReport) async throws {
        try process.step()
        await memory.hold(report)
    }
}

/// What a phone's store has after a sync, read as a phone reads it.
struct PhoneContents: Sendable {
    /// Ascending by region.
    private(set) var keys: [(region: Region, keys: RegionKeys)] = []
    private(set) var batches: [HeldBatch] = []
    let evidence: [Evidence]

    static func read(_ storage: MemoryDeviceStorage) async -> Result<PhoneContents, any Error> {
        do { return .success(try await PhoneContents(storage)) } catch { return .failure(error) }
    }

    private init(_ storage: MemoryDeviceStorage) async throws {
        evidence = await storage.evidence()
        for region in await storage.regions() {
            keys.append((region, try await storage.keys(of: region)))
            batches += try await storage.reduceBatches(of: region, into: [HeldBatch]()) { $0.append($1) }
        }
    }

    func keys(of region: Region) -> RegionKeys { keys.first { $0.region == region }?.keys ?? RegionKeys() }
}
