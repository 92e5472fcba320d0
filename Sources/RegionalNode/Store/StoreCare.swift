internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Logging
internal import Replication
internal import Synchronization

/// What follows from damage to the store and from a full disk: damaged batches leave service and are fetched again,
/// what is beyond that ends this run of the node, and a store that takes nothing is a trouble until it takes something.
final class StoreCare: Sendable {
    /// Damage that replication can repair.
    let damage: AsyncStream<ReplicaEvent>
    /// The first error that says that the file as a whole cannot be relied on.
    let breakdown: AsyncStream<StoreError>
    private let damageEnd: AsyncStream<ReplicaEvent>.Continuation
    private let breakdownEnd: AsyncStream<StoreError>.Continuation
    private let served: ServedFeeds
    private let roster: @Sendable () -> Roster
    private let health: NodeHealth
    private let alarms: AlarmDesk
    private let logger: Logger

    init(
        served: ServedFeeds,
        roster: @escaping @Sendable () -> Roster,
        health: NodeHealth,
        alarms: AlarmDesk,
        logger: Logger
    ) {
        (damage, damageEnd) = AsyncStream.makeStream()
        (breakdown, breakdownEnd) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        self.served = served
        self.roster = roster
        self.health = health
        self.alarms = alarms
        self.logger = logger
    }

    /// A call of the store that writes has failed.
    func failed(_ error: any Error) {
        guard !reports(error) else { return }
        let reason = (error as? StoreError)?.reason ?? "\(error)"
        if let error = error as? StoreError, error.code != .full, error.code != .io {
            // The store is well: it was asked for what cannot be.
            logger.error("the store has refused a call", metadata: ["why": "\(reason)"])
            alarms.raise(.storeRefusedCall, StoreCare.refusedAlarm)
            return
        }
        _ = health.begin(trouble: "the store does not take batches: \(reason)")
        alarms.hold(.storeTakesNothing, StoreCare.readOnlyAlarm)
    }

    /// A call that writes has succeeded.
    func worked() {
        guard health.endTrouble() else { return }
        alarms.end(.storeTakesNothing)
        logger.notice("the store takes batches again")
    }

    /// - Returns: true if the error says that the file is broken, which has then been reported.
    @discardableResult
    func reports(_ error: any Error) -> Bool {
        guard let error = error as? StoreError, error.code == .corrupt else { return false }
        breakdownEnd.yield(error)
        return true
    }

    /// Runs `body` until it ends, or ends it once the file is found broken.
    /// - Returns: the error that said so, nil if `body` has ended by itself.
    func untilBreakdown(_ body: @escaping @Sendable () async -> Void) async -> StoreError? {
        await withTaskGroup(of: StoreError?.self) { group in
            group.addTask {
                await body()
                return nil
            }
            group.addTask { await self.breakdown.first { _ in true } }
            let error = await group.next() ?? nil
            group.cancelAll()
            return error
        }
    }

    static let readOnlyAlarm =
        "the store does not take batches: this node serves what it holds, refuses imports and fetches nothing until it "
        + "does; 'TROUBLE' in its status says why"

    static let refusedAlarm =
        "the store has refused what it was asked to keep, a fault of this program: its log says what; report it"

    // MARK: Damaged batches

    /// Whether a batch that the store gave, and whose leaf hash it has compared, is what the region signed at this
    /// place. A signature by a key that the roster no longer holds is no sign of damage.
    func isWhole(_ batch: ProvenBatch) -> Bool {
        guard batch.isConsistent else { return false }
        let (region, epoch) = (batch.feed.region, batch.feed.epoch)
        do throws(FormatError) {
            let keys = roster().rule(for: batch.feed)?.keys ?? []
            let signed = try SignedCheckpoint(batch.checkpoint[...], region: region, epoch: epoch, keys: keys)
            return signed.checkpoint.size == batch.number + 1
        } catch {
            return error.code == .missingSignature
        }
    }

    /// Reads batches again, takes those that are damaged out of service, and has them fetched again. Called on the
    /// store's thread.
    func check(_ feed: FeedID, _ numbers: Range<UInt64>, in storage: any FeedStorage) throws {
        var damaged = try storage.damaged(feed, numbers)
        for number in numbers where !damaged.contains(number) {
            if let batch = try storage.batch(feed, number), !isWhole(batch) { damaged.append(number) }
        }
        let found = served.quarantine(feed, damaged.sorted())
        guard !found.isEmpty else { return }
        alarms.raise(.batchesDamaged, StoreCare.damageAlarm(feed), about: "\(feed)")
        let numbers = found.prefix(20).map { String($0.number) }.joined(separator: " ")
        logger.error(
            "damaged batches",
            metadata: ["feed": "\(feed)", "count": "\(found.count)", "first": "\(numbers)"]
        )
        damageEnd.yield(.damaged(feed, found))
    }

    static func damageAlarm(_ feed: FeedID) -> String {
        "batches of \(feed) are damaged on the disk; they are not served until they have come again from neighbours; check "
            + "the disk if this happens again"
    }

    /// Puts batches where damaged ones stand or gaps are. Called on the store's thread.
    /// - Returns: whether more of the feed may be shown than before.
    func replace(_ batches: [ProvenBatch], in storage: any FeedStorage, publisher: RegionPublisher) throws -> Bool {
        try storage.replace(batches)
        guard let feed = batches.first?.feed else { return false }
        let (damaged, isMore) = served.release(feed, batches.map(\.number))
        publisher.join(batches)
        if served.feed(feed)?.damaged.isEmpty == true { alarms.end(.batchesDamaged, about: "\(feed)") }
        if damaged > 0 {
            logger.notice("damaged batches were replaced", metadata: ["feed": "\(feed)", "count": "\(damaged)"])
        }
        return isMore
    }

    // MARK: Feeds

    /// Compares each feed's leaf hashes with what its region signed, at one of the newest batches.
    /// - Throws: `.corrupt` if they do not give the root that was signed.
    static func checkRoots(of feeds: [StoredFeed], in storage: any FeedStorage, roster: Roster) throws {
        for stored in feeds where stored.first < stored.count {
            let (feed, keys) = (stored.feed, roster.rule(for: stored.feed)?.keys ?? [])
            // Other copies of the signature follow if one is damaged itself.
            for number in (stored.first..<stored.count).reversed().prefix(8) {
                guard try storage.damaged(feed, number..<number + 1).isEmpty,
                    let batch = try storage.batch(feed, number),
                    let signed = try? SignedCheckpoint(
                        batch.checkpoint[...],
                        region: feed.region,
                        epoch: feed.epoch,
                        keys: keys
                    ), signed.checkpoint.size == number + 1
                else { continue }
                var frontier = stored.base
                for leaf in stored.leaves.prefix(Int(number + 1 - stored.base.size)) { frontier.append(leaf) }
                guard frontier.root == signed.checkpoint.root else {
                    throw StoreError(.corrupt, "the leaf hashes of \(feed) do not give the root that its region signed")
                }
                break
            }
        }
    }
}
