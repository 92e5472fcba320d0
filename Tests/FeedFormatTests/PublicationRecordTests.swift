import ExposureKeys
import FeedFormat
import Testing

/// What a region's own batches say, with a clock that was ahead among them.
struct PublicationRecordTests {
    private static let now = Interval(3_000_000)
    private let region: Region
    private let other: Region

    init() throws {
        region = try #require(Region("VN-01"))
        other = try #require(Region("VN-02"))
    }

    private func key(_ onset: Int) throws -> DiagnosisKey {
        let metadata = KeyMetadata(
            rollingStart: Self.now.advanced(by: -200),
            rollingPeriod: 144,
            reportType: .confirmed,
            daysSinceOnset: onset
        )
        return DiagnosisKey(data: KeyData(high: 1, low: 2), metadata: try #require(metadata))
    }

    private func batch(
        _ number: UInt64 = 0,
        epoch: UInt64,
        ahead: Int64,
        onset: Int,
        of region: Region? = nil
    ) throws -> ProvenBatch {
        let publication = Self.now.advanced(by: ahead)
        let batch = try Batch(number: number, publication: publication, keys: [try key(onset)])
        let feed = FeedID(region: region ?? self.region, epoch: Epoch(epoch))
        return ProvenBatch(
            feed: feed,
            number: number,
            publication: publication,
            bytes: batch.bytes,
            leaf: batch.leafHash,
            checkpoint: []
        )
    }

    /// 12 intervals ahead nobody takes a batch, 11 ahead everybody does.
    @Test(arguments: [11, 12, 20] as [Int64])
    func whatIsAheadCountsAsNothingPublished(ahead: Int64) throws {
        var record = PublicationRecord()
        let isAhead = try record.take(batch(epoch: 1, ahead: ahead, onset: 3), of: region, at: Self.now)
        #expect(isAhead == (ahead >= 12))
        #expect(record.ledger.standing.count == (isAhead ? 0 : 1))
        #expect(record.ledger.ahead.count == (isAhead ? 1 : 0))
        #expect(record.ahead.map(\.latest) == (isAhead ? [Self.now.advanced(by: ahead)] : []))
    }

    /// Also by a record that is made anew when the time has nearly come: nothing in the batch shows it any more then. What
    /// lies behind it in its feed came from the same clock, another feed did not.
    @Test func whatWasFoundAheadStaysSoUntilItsTime() throws {
        let early = try batch(epoch: 1, ahead: 20, onset: 3)
        var record = PublicationRecord()
        let isAhead = record.take(early, of: region, at: Self.now)
        let later = Self.now.advanced(by: 15)
        var again = PublicationRecord(ahead: BatchesAhead.read(BatchesAhead.bytes(of: record.ahead), of: region))
        let isStillAhead = again.take(early, of: region, at: later)
        let isNextAhead = try again.take(batch(1, epoch: 1, ahead: 20, onset: 4), of: region, at: later)
        let isOtherAhead = try again.take(batch(epoch: 2, ahead: 14, onset: 5), of: region, at: later)
        #expect(isAhead && isStillAhead && isNextAhead && !isOtherAhead)
        #expect(try again.ledger.standing.keys == [key(5)])
    }

    /// A correction in between is said again when the batch begins to count, and stands then.
    @Test func aCorrectionIsSaidAgainInItsTime() throws {
        var record = PublicationRecord()
        _ = try record.take(batch(epoch: 1, ahead: 20, onset: 3), of: region, at: Self.now)
        record.published([try key(5)], at: Self.now)
        for moment in [0, 20] as [Int64] {
            let time = Self.now.advanced(by: moment)
            #expect(record.due([], at: time).news.isEmpty && !record.hasTimeCome(at: time), "\(moment)")
        }
        let time = Self.now.advanced(by: 21)
        #expect(record.hasTimeCome(at: time))
        #expect(try record.due([], at: time).answers == [key(5)])
        record.published([try key(5)], at: time)
        let (hasChanged, changesAgain) = (record.timeHasCome(at: time), record.timeHasCome(at: time))
        #expect(hasChanged && !changesAgain && record.ahead.isEmpty)
        #expect(try record.ledger.standing.keys == [key(5)])
    }

    /// Batches of a region that was taken over never open or close an epoch here.
    @Test func anotherRegionsBatchesAreTakenAsTheyStand() throws {
        var record = PublicationRecord()
        let isAhead = try record.take(batch(epoch: 1, ahead: 20, onset: 3, of: other), of: region, at: Self.now)
        #expect(!isAhead && record.ahead.isEmpty && record.ledger.standing.count == 1)
        #expect(record.isAhead(of: Self.now))
    }

    @Test(arguments: [0, 1, 7]) func entriesAreReadBack(count: Int) throws {
        var record = PublicationRecord()
        for number in 0..<count {
            _ = try record.take(
                batch(UInt64(number), epoch: UInt64(number), ahead: 20, onset: 3),
                of: region,
                at: Self.now
            )
        }
        let bytes = BatchesAhead.bytes(of: record.ahead)
        #expect(bytes.count == 20 * count)
        #expect(BatchesAhead.read(bytes, of: region) == record.ahead)
        // A torn entry is passed over.
        #expect(BatchesAhead.read(bytes + [1, 2, 3], of: region) == record.ahead)
    }
}
