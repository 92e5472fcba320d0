import ExposureKeys
import FeedFormat
import FeedStore
import RegionalNode
import Replication
import Synchronization
import Testing

/// When a region's pen goes on in its epoch, and when it begins another.
@Suite struct RegionPublisherTests {
    /// A machine whose clocks stand where a test puts them.
    private final class Machine: Sendable {
        private let clocks = Mutex((system: Int64(1_627_776_000_000), monotonic: Int64(5_000_000)))

        var source: NodeClock.Source {
            NodeClock.Source(
                system: { self.clocks.withLock { $0.system } },
                monotonic: { self.clocks.withLock { $0.monotonic } }
            )
        }

        /// Time passes, in milliseconds.
        func wait(_ time: Int64) {
            clocks.withLock { $0 = ($0.system + time, $0.monotonic + time) }
        }

        /// Somebody sets the system's clock, or the memory of the machine is resumed at another time.
        func jump(_ time: Int64) {
            clocks.withLock { $0.system += time }
        }
    }

    private let machine = Machine()
    private let clock: NodeClock
    private let storage = MemoryFeedStore()
    private let region: Region
    private let signer: NoteSigner
    private let publisher: RegionPublisher

    init() throws {
        clock = NodeClock(source: machine.source)
        region = try #require(Region("VN-01"))
        signer = try #require(
            NoteSigner(
                name: KeytideNames.signer(region),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 1, count: 32)
            )
        )
        publisher = RegionPublisher(region: region, signer: signer, clock: clock)
    }

    private func key(_ number: UInt64) throws -> DiagnosisKey {
        let start = clock.now.interval.advanced(by: -2 * Interval.perDay)
        let metadata = try #require(KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed))
        return DiagnosisKey(data: KeyData(high: number, low: number), metadata: metadata)
    }

    /// Publishes a key.
    /// - Returns: what was published; its last checkpoint verifies.
    @discardableResult
    private func publish(_ number: UInt64, with pen: RegionPublisher? = nil) throws -> ProvenBatch {
        let living = try storage.feeds().map(\.feed)
        let publication = try (pen ?? publisher).publish([try key(number)], storage: storage, living: living)
        #expect(publication.batches.count == 1)
        return try #require(publication.batches.first)
    }

    /// What the other copy of this process, or the one before it, signs after a batch.
    private func continuation(of batch: ProvenBatch) throws -> ProvenBatch {
        let feed = batch.feed
        var frontier = Frontier(leaves: try #require(try storage.feeds().first { $0.feed == feed }).leaves)
        let next = try Batch(number: frontier.size, publication: batch.publication, keys: [try key(77)])
        frontier.append(next.leafHash)
        let checkpoint = Checkpoint(
            region: feed.region,
            epoch: feed.epoch,
            size: frontier.size,
            root: frontier.root
        )
        return ProvenBatch(
            feed: feed,
            number: next.number,
            publication: next.publication,
            bytes: next.bytes,
            leaf: next.leafHash,
            checkpoint: try checkpoint.signed(by: signer, time: clock.seconds).bytes
        )
    }

    @Test func publicationsOfOneStartShareAnEpoch() throws {
        let first = try publish(1)
        #expect(first.number == 0)
        for number in 2...4 as ClosedRange<UInt64> {
            machine.wait(3_600_000)
            let next = try publish(number)
            #expect(next.feed == first.feed && next.number == number - 1)
        }
        // A start, in the same second.
        let other = RegionPublisher(region: region, signer: signer, clock: clock)
        let second = try publish(5, with: other)
        #expect(second.feed != first.feed)
        #expect(try Batch(second.bytes).predecessors() == [first.feed.epoch])
    }

    /// The clocks differ by more than a minute from what they were: memory was resumed at another time, and the process
    /// that went on from the same memory may have signed meanwhile.
    @Test(arguments: [60_001, -60_001, 86_400_000] as [Int64]) func aResumedMemoryBeginsAnEpoch(jump: Int64) throws {
        let first = try publish(1)
        machine.wait(600_000)
        machine.jump(jump)
        let second = try publish(2)
        #expect(second.feed != first.feed && second.number == 0)
        #expect(try Batch(second.bytes).predecessors() == [first.feed.epoch])
        // Once is enough.
        machine.wait(600_000)
        #expect(try publish(3).feed == second.feed)
    }

    @Test(arguments: [60_000, -60_000] as [Int64]) func aClockSetRightDoesNot(jump: Int64) throws {
        let first = try publish(1)
        machine.jump(jump)
        #expect(try publish(2).feed == first.feed)
        // Seen from the epoch's beginning: a clock that creeps away is noticed in the end.
        machine.jump(jump)
        #expect(try publish(3).feed != first.feed)
    }

    /// The clocks show nothing, but neighbours have more of this epoch: it is stored here, or about to be.
    @Test(arguments: [true, false]) func whatWasMetIsNeverSignedBeside(isStored: Bool) throws {
        let first = try publish(1)
        let lacking = try continuation(of: first)
        publisher.meet(first.feed, count: lacking.number + 1)
        if isStored { try storage.append([lacking]) }
        let second = try publish(2)
        #expect(second.feed != first.feed && second.number == 0)
        // The store takes what it lacked, and both epochs go on.
        if !isStored { try storage.append([lacking]) }
        publisher.join([lacking])
        #expect(publisher.keyCount == 3)
        #expect(try publish(3).feed == second.feed)
        #expect(try storage.feeds().map(\.count).sorted() == [2, 2])
    }

    @Test func ownBatchesThatComeBackOfOtherEpochsDisturbNothing() throws {
        let first = try publish(1)
        let other = RegionPublisher(region: region, signer: signer, clock: clock)
        try publish(2, with: other)
        let lacking = try continuation(of: first)
        other.meet(lacking.feed, count: lacking.number + 1)
        other.join([first, lacking])
        #expect(try publish(3, with: other).number == 1)
        // What came back is known, and not published again.
        let again = try other.publish([try key(1), try key(77)], storage: storage, living: [])
        #expect(again.batches.isEmpty && again.duplicates == 2)
    }

    @Test func aSuccessorKnowsAndRevisesWhatItTookOver() throws {
        let other = try #require(Region("VN-02"))
        let otherSigner = try #require(
            NoteSigner(
                name: KeytideNames.signer(other),
                algorithm: .cosignature,
                seed: [UInt8](repeating: 2, count: 32)
            )
        )
        try publish(1, with: RegionPublisher(region: other, signer: otherSigner, clock: clock))
        #expect(publisher.takeOver([other]) && publisher.takeOver([other]), "due until it has been done")
        try publisher.rebuild(from: storage, feeds: try storage.feeds())
        #expect(!publisher.takeOver([other]))
        let known = try publisher.publish([try key(1)], storage: storage, living: [])
        #expect(known.batches.isEmpty && known.duplicates == 1)
        let revoked = DiagnosisKey(data: try key(1).data, metadata: try key(1).metadata.with(reportType: .revoked))
        let revision = try publisher.publish([revoked], storage: storage, living: try storage.feeds().map(\.feed))
        #expect(revision.published == 1)
        // In an epoch of its own, which follows none of the other region's.
        let batch = try #require(revision.batches.first)
        #expect(batch.feed.region == region)
        #expect(try Batch(batch.bytes).predecessors().isEmpty)
    }

    /// A thief may date his epochs from before this node's start; a store that lost nothing tells them all the same.
    @Test func anIntactStoreTellsEpochsThatAreDatedBack() throws {
        try publisher.inspect(storage)
        let own = try publish(1)
        let before = own.publication.advanced(by: -Interval.perDay)
        let strange = FeedID(region: region, epoch: Epoch(own.feed.epoch.value &- 1000))
        #expect(!publisher.isForeign(strange, lastPublication: before), "may be an earlier life of this node")
        // The store is an hour old: it may still be filled by neighbours.
        machine.wait(3_600_000)
        let second = RegionPublisher(region: region, signer: signer, clock: clock)
        try second.inspect(storage)
        #expect(!second.isForeign(strange, lastPublication: before))
        machine.wait(86_400_000)
        let third = RegionPublisher(region: region, signer: signer, clock: clock)
        try third.inspect(storage)
        #expect(third.isForeign(strange, lastPublication: before))
        // Its own of before is whole here: should it grow, somebody else has signed.
        #expect(third.isForeign(own.feed, lastPublication: own.publication))
        // A new disk knows nothing.
        let fresh = RegionPublisher(region: region, signer: signer, clock: clock)
        try fresh.inspect(MemoryFeedStore())
        #expect(!fresh.isForeign(strange, lastPublication: before))
    }

    @Test func publicationsOfOthersWithTheSameKeyAreNoticed() throws {
        let own = try publish(1)
        let later = own.publication.advanced(by: 1)
        let strange = FeedID(region: region, epoch: Epoch(own.feed.epoch.value &+ 1))
        #expect(!publisher.isForeign(own.feed, lastPublication: later))
        // From before the start: an earlier life of this node.
        #expect(!publisher.isForeign(strange, lastPublication: own.publication))
        #expect(publisher.isForeign(strange, lastPublication: later))
        let other = FeedID(region: try #require(Region("VN-02")), epoch: strange.epoch)
        #expect(!publisher.isForeign(other, lastPublication: later))
        let past = NodeClock(asOf: 1_600_000_000, source: machine.source)
        let set = RegionPublisher(region: region, signer: signer, clock: past)
        #expect(!set.isForeign(strange, lastPublication: later))
    }
}
