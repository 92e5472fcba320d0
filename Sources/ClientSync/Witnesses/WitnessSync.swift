internal import ExposureKeys
internal import FeedFormat

/// The part of a sync that asks for other nodes' indexes, through the node itself: once an hour, so that a poll between
/// costs nothing more. What comes is kept, and judges the node at a later poll (`WitnessHearing`).
struct WitnessSync: Sendable {
    let options: SyncOptions
    let fetcher: SyncFetcher
    let storage: any DeviceStorage
    /// Unix seconds.
    let now: Int64
    /// As the store has it, with what this sync has heard.
    var book: WitnessBook
    /// The witnesses' indexes that this sync has got, verified.
    private(set) var heard: [Heard] = []
    /// Indexes passed off as new that are far older than others seen before.
    private(set) var replays: [WitnessFinding] = []

    struct Heard: Sendable {
        let statement: IndexStatement
        let view: IndexView
    }

    /// - Returns: nil if the phone wants no witnesses.
    init?(options: SyncOptions, fetcher: SyncFetcher, storage: any DeviceStorage, now: Int64) async throws {
        guard options.witnesses > 0 else { return nil }
        self.options = options
        self.fetcher = fetcher
        self.storage = storage
        self.now = now
        book = try await storage.witnessBook()
    }

    private var limits: SyncLimits { options.limits }

    /// Whether witnesses are asked in this sync. A clock that was set back makes it so.
    var isDue: Bool { book.asked > now || now - book.asked >= limits.witnessLead }

    /// Witnesses whose newest index is not older than two slots, without asking anybody.
    func present(roster: Roster, node: Region) -> [Region] {
        WitnessDraw(roster: roster, seed: book.seed, node: node)
            .first(options.witnesses) { region in
                guard let voice = book.voice(of: region.id) else { return false }
                return voice.barredUntil <= now && isFresh(voice.time)
            }
            .map(\.id)
    }

    /// Whether an index counts as one: it is not older than two publication slots.
    func isFresh(_ time: Int64) -> Bool {
        let (age, overflow) = now.subtractingReportingOverflow(time)
        return !overflow && age <= 2 * limits.slot
    }

    /// Whether an index is older than one seen of the same node, by more than caches explain.
    private func isReplay(_ time: Int64, of region: Region) -> Bool {
        guard let voice = book.voice(of: region) else { return false }
        let (age, overflow) = voice.time.subtractingReportingOverflow(time)
        return !overflow && age > 2 * limits.slot
    }

    /// - Throws: `SyncError` with code `.replayed` for a node's index that is far older than one seen of it before.
    func checkTime(of index: FeedIndex) async throws {
        guard isReplay(index.time, of: index.node) else { return }
        let finding = try await replay(index, of: index.node)
        throw SyncError(.replayed, finding.reason)
    }

    /// Asks for the indexes of those witnesses whose last one can be judged by now.
    /// - Parameter own: the node's index, which the answers are differences of.
    /// - Returns: false if they are differences of a newer one: read it, and ask again.
    /// - Throws: `CancellationError`, and what the store throws.
    mutating func gather(own: FeedIndex, roster: Roster) async throws -> Bool {
        let draw = WitnessDraw(roster: roster, seed: book.seed, node: own.node)
        var operators: [String] = []
        var attempts = options.witnesses + WitnessSync.spareAttempts
        for region in draw.regions where operators.count < options.witnesses {
            let voice = book.voice(of: region.id)
            guard !operators.contains(region.operatorName), (voice?.barredUntil ?? 0) <= now else { continue }
            if let voice, voice.statement != nil, isFresh(voice.time),
                min(now, own.time) - limits.witnessLead < voice.time
            {
                operators.append(region.operatorName)
                continue
            }
            guard attempts > 0 else { break }
            attempts -= 1
            do {
                switch try await ask(region.id, own: own, roster: roster) {
                case .heard: operators.append(region.operatorName)
                // The node has heard the witness last before this phone did, elsewhere: that is nobody's fault.
                case .olderThanHeard: continue
                case .absent: book.bar(region.id, until: now + WitnessSync.absence)
                }
            } catch let error as FormatError where error.code == .wrongPosition {
                return false
            } catch is FormatError {
                book.bar(region.id, until: now + WitnessSync.absence)
            } catch let error as SyncError {
                // Without an answer nothing is known of the witness.
                guard error.code != .noAnswer, error.code != .limitReached else { break }
                book.bar(region.id, until: now + WitnessSync.absence)
            }
        }
        return true
    }

    private enum Answer { case heard, olderThanHeard, absent }

    /// Gets and verifies one region's index.
    private mutating func ask(_ region: Region, own: FeedIndex, roster: Roster) async throws -> Answer {
        let answer = try await fetcher.get("\(Route.index)/\(region)", limit: FormatLimits.differenceBytes)
        let index = try IndexDifference(bytes: answer.body[...]).applied(to: own, keys: { roster.keys(of: $0) })
        guard index.node == region else { return .absent }
        if isReplay(index.time, of: region) {
            replays.append(try await replay(index, of: region))
            return .absent
        }
        guard isFresh(index.time), index.time < now + WitnessSync.ahead else { return .absent }
        if index.time < book.voice(of: region)?.time ?? 0 { return .olderThanHeard }
        let statement = IndexStatement(index: index.bytes, settled: try await settled(of: index))
        heard.append(Heard(statement: statement, view: try statement.read(roster: roster)))
        return .heard
    }

    /// The settled part that an index names: nodes that hold the same mostly name the same.
    private func settled(of index: FeedIndex) async throws -> [UInt8] {
        guard index.settledCount > 0 else { return [] }
        if let bytes = try await storage.settledPart(index.settledHash) { return bytes }
        let path = "\(Route.index)/settled/\(index.settledHash.hexadecimal)"
        let bytes = try await fetcher.get(path, limit: FormatLimits.indexBytes).body
        _ = try index.entries(with: IndexPart(bytes: bytes[...]))
        try await storage.hold(settledPart: bytes, hash: index.settledHash)
        return bytes
    }

    /// Keeps an old index that was passed off as new, beside the newer one if that is held.
    private func replay(_ index: FeedIndex, of region: Region) async throws -> WitnessFinding {
        let voice = book.voice(of: region)
        let evidence = Evidence(
            kind: .replay,
            feed: FeedID(region: region, epoch: Epoch(0)),
            size: 0,
            held: voice?.statement?.index ?? [],
            contradicting: index.bytes,
            node: fetcher.transport.node,
            found: now
        )
        try await storage.hold(evidence)
        return WitnessFinding(
            .replayed,
            witness: region,
            evidence: evidence,
            """
            \(fetcher.transport.node) gave an index of \(region) signed at \(TimeText.utc(index.time)), though one of \
            \(TimeText.utc(voice?.time ?? 0)) was seen before: it is kept as evidence and not believed; sync with another node
            """
        )
    }

    /// Witnesses that are asked in place of others, in one sync.
    private static let spareAttempts = 2
    /// Seconds for which a witness whose index is not to be had is passed over.
    static let absence: Int64 = 3 * 3600
    /// An index from so many seconds ahead is none, as between nodes.
    private static let ahead: Int64 = 2 * 3600
}
