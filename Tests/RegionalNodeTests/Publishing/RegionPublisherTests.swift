import ExposureKeys
import FeedFormat
import FeedStore
import RegionalNode
import Replication
import Synchronization
import TestSupport
import Testing

/// When a region's pen goes on in its epoch, and when it begins another.
@Suite final class RegionPublisherTests {
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
    private let scratch: Scratch
    private let held: HeldKeyStore

    init() throws {
        scratch = try Scratch()
        held = try HeldKeyStore(path: scratch.file("store.held"))
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

    deinit { scratch.remove() }

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
        let publication = try (pen ?? publisher).publish(
            [try key(number)],
            storage: storage,
            held: held,
            living: living
        )
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
        let again = try other.publish([try key(1), try key(77)], storage: storage, held: held, living: [])
        #expect(again.batches.isEmpty && again.selection.duplicates == 2)
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
        let known = try publisher.publish([try key(1)], storage: storage, held: held, living: [])
        #expect(known.batches.isEmpty && known.selection.duplicates == 1)
        let revoked = DiagnosisKey(data: try key(1).data, metadata: try key(1).metadata.with(reportType: .revoked))
        let revision = try publisher.publish(
            [revoked],
            storage: storage,
            held: held,
            living: try storage.feeds().map(\.feed)
        )
        #expect(revision.selection.news.count == 1)
        // In an epoch of its own, which follows none of the other region's.
        let batch = try #require(revision.batches.first)
        #expect(batch.feed.region == region)
        #expect(try Batch(batch.bytes).predecessors().isEmpty)
    }

    /// A start under a clock that is right finds what was published by one that was five days ahead.
    @Test func batchesFromAClockThatWasAheadCountAsNothing() throws {
        machine.jump(5 * 86_400_000)
        let early = try publish(1)
        machine.jump(-5 * 86_400_000)
        for pen in [publisher, RegionPublisher(region: region, signer: signer, clock: clock)] {
            try pen.rebuild(from: storage, feeds: try storage.feeds())
            #expect(pen.keyCount == 0)
            #expect(pen.batchesAhead.map(\.feed) == [early.feed] && pen.batchesAhead.first?.latest == early.publication)
        }
    }

    /// The whole story: published by a clock ahead, corrected under the right one; when the time of the first has come, the
    /// correction is published again, and stands for whoever joins all batches. With and without a restart in between.
    @Test(arguments: [false, true]) func aCorrectionStandsAgainstAReportFromTheFuture(restarts: Bool) throws {
        func report(onset: Int) throws -> DiagnosisKey {
            let metadata = try #require(
                KeyMetadata(
                    rollingStart: Interval(unixSeconds: 1_627_776_000 - 2 * 86_400),
                    rollingPeriod: 144,
                    reportType: .confirmed,
                    daysSinceOnset: onset
                )
            )
            return DiagnosisKey(data: KeyData(high: 1, low: 1), metadata: metadata)
        }
        var pen = publisher
        func restart() throws {
            if restarts { pen = RegionPublisher(region: region, signer: signer, clock: clock) }
            try pen.rebuild(from: storage, feeds: try storage.feeds())
        }
        func living() throws -> [FeedID] { try storage.feeds().map(\.feed) }
        machine.jump(5 * 86_400_000)
        let early = try pen.publish([try report(onset: 5)], storage: storage, held: held, living: [])
        machine.jump(-5 * 86_400_000)
        let honest = try pen.publish([try report(onset: -1)], storage: storage, held: held, living: try living())
        #expect(honest.batches.count == 1 && honest.batches.first?.feed != early.batches.first?.feed)
        try restart()
        #expect(try pen.publishDue(storage: storage, held: held, living: try living()) == nil)
        machine.wait(5 * 86_400_000 + 600_000)
        try restart()
        let answer = try #require(try pen.publishDue(storage: storage, held: held, living: try living()))
        #expect(answer.batches.count == 1)
        try restart()
        #expect(
            try pen.publishDue(storage: storage, held: held, living: try living()) == nil && pen.batchesAhead.isEmpty
        )
        let all = try storage.feeds().flatMap { try storage.batches($0.feed, 0..<$0.count) }
        let reports = try all.flatMap { batch in
            try Batch(batch.bytes).keys().map { KeyReport($0, publication: batch.publication) }
        }
        #expect(RegionKeys(joining: reports).keys == [try report(onset: -1)])
    }

    /// What waits is published by itself, also by a process that starts meanwhile, and is then forgotten.
    @Test func keysThatAreInUseAreHeldUntilTwoHoursAfterTheirEnd() throws {
        let start = clock.now.interval.advanced(by: -100)
        let metadata = try #require(KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed))
        let key = DiagnosisKey(data: KeyData(high: 4, low: 4), metadata: metadata)
        let taken = try publisher.publish([key], storage: storage, held: held, living: [])
        #expect(taken.batches.isEmpty && taken.selection.held.count == 1 && held.count == 1)
        let due = start.advanced(by: 144 + 12)
        machine.wait((due.unixSeconds - 1) * 1000 - clock.now.milliseconds)
        let next = RegionPublisher(region: region, signer: signer, clock: clock)
        #expect(try next.publishDue(storage: storage, held: held, living: []) == nil)
        machine.wait(1000)
        let published = try #require(try next.publishDue(storage: storage, held: held, living: []))
        let batch = try #require(published.batches.first)
        #expect(try Batch(batch.bytes).keys() == [key] && batch.publication == due && held.count == 0)
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
