import ExposureKeys
import TestSupport
import Testing

/// What a publishing region makes of an import.
struct PublicationLedgerTests {
    /// Midnight in UTC.
    private static let day: UInt32 = 2_678_400

    private static func key(
        _ data: UInt64 = 1,
        start: UInt32 = 0,
        period: Int = 144,
        _ type: ReportType = .confirmed,
        onset: Int? = nil
    ) throws -> DiagnosisKey {
        let metadata = try #require(
            KeyMetadata(
                rollingStart: Interval(day + start),
                rollingPeriod: period,
                reportType: type,
                daysSinceOnset: onset
            )
        )
        return DiagnosisKey(data: KeyData(high: data, low: 0), metadata: metadata)
    }

    /// Imports, and publishes what is to be published.
    private func publish(
        _ keys: [DiagnosisKey],
        at now: UInt32,
        restating: Bool = false,
        into ledger: inout PublicationLedger
    ) -> ImportSelection {
        let moment = Interval(Self.day + now)
        let selection = ledger.selection(of: keys, at: moment, restating: restating)
        ledger.published(selection.news.map { KeyReport($0, publication: moment) })
        return selection
    }

    @Test func aKeyIsPublishedFromTwoHoursAfterItsEnd() throws {
        var ledger = PublicationLedger()
        let key = try Self.key()
        for now: UInt32 in [0, 100, 143, 144, 155] {
            let selection = publish([key], at: now, into: &ledger)
            let due = Interval(Self.day + 156)
            #expect(selection.news.isEmpty, "\(now)")
            #expect(selection.held == [HeldKey(key, due: due, reason: .inUse, isRestated: false)], "\(now)")
        }
        #expect(publish([key], at: 156, into: &ledger).news == [key])
    }

    @Test func keysThatEndTooFarAheadAndKeysThatEndedLongAgoAreRefused() throws {
        let ledger = PublicationLedger()
        let key = try Self.key(start: 200)
        let end = Self.day + 344
        #expect(ledger.selection(of: [key], at: Interval(end - 156)).held.count == 1)
        #expect(ledger.selection(of: [key], at: Interval(end - 157)).tooFarAhead == [key])
        #expect(ledger.selection(of: [key], at: Interval(end + 15 * 144 - 1)).news == [key])
        #expect(ledger.selection(of: [key], at: Interval(end + 15 * 144)).expired == 1)
    }

    /// 5 to -1 and -1 to 14 are both taken, and the same content is never taken twice, whatever its interval.
    @Test func aCorrectionIsTakenWhicheverNumberIsLarger() throws {
        for (before, after) in [(5, -1), (-1, 14), (nil, 3), (3, nil)] as [(Int?, Int?)] {
            var ledger = PublicationLedger()
            let (old, new) = (try Self.key(onset: before), try Self.key(onset: after))
            #expect(publish([old], at: 200, into: &ledger).news == [old])
            #expect(publish([old], at: 201, into: &ledger).duplicates == 1)
            #expect(publish([new], at: 202, into: &ledger).news == [new])
            #expect(ledger.standing.keys == [new])
            // A job that imports yesterday's archive every hour does not undo the correction.
            #expect(publish([old], at: 203, into: &ledger).superseded == [old])
            #expect(publish([new], at: 204, into: &ledger).duplicates == 1)
            #expect(ledger.standing.keys == [new])
            // Unless somebody means it.
            #expect(publish([old], at: 205, restating: true, into: &ledger).news == [old])
            #expect(publish([new], at: 206, into: &ledger).superseded == [new])
            #expect(ledger.standing.keys == [old])
        }
    }

    @Test func whatTheLedgerKnowsDoesNotDependOnTheOrderOfBatches() throws {
        var random = SplitMix64(seed: 21)
        for _ in 0..<300 {
            let reports = clashingReports(14, using: &random)
            func ledger(_ reports: [KeyReport<DiagnosisKey>]) -> PublicationLedger {
                var ledger = PublicationLedger()
                for start in stride(from: 0, to: reports.count, by: 3) {
                    ledger.published(Array(reports[start..<min(start + 3, reports.count)]))
                }
                return ledger
            }
            #expect(ledger(reports) == ledger(reports.shuffled(using: &random)))
            #expect(ledger(reports + reports) == ledger(reports))
        }
    }

    /// What would lose only because it comes in the interval of what stands waits for the next.
    @Test func aCorrectionInTheSameIntervalWaitsIfItWouldLose() throws {
        var ledger = PublicationLedger()
        let (larger, smaller) = (try Self.key(onset: 5), try Self.key(onset: -1))
        _ = publish([larger], at: 200, into: &ledger)
        let waiting = publish([smaller], at: 200, into: &ledger)
        let due = Interval(Self.day + 201)
        #expect(waiting.news.isEmpty)
        #expect(waiting.held == [HeldKey(smaller, due: due, reason: .sameInterval, isRestated: false)])
        #expect(publish([smaller], at: 201, into: &ledger).news == [smaller])
        // One that wins by its content need not wait.
        #expect(publish([try Self.key(onset: 7)], at: 201, into: &ledger).news.count == 1)
        #expect(ledger.standing.keys == [try Self.key(onset: 7)])
    }

    @Test func lowerReportsChangeNothing() throws {
        var ledger = PublicationLedger()
        _ = publish([try Self.key(1, .selfReport)], at: 200, into: &ledger)
        _ = publish([try Self.key(1, .confirmed)], at: 201, into: &ledger)
        #expect(publish([try Self.key(1, .clinical)], at: 202, into: &ledger).duplicates == 1)
        #expect(publish([try Self.key(1, .selfReport)], at: 202, into: &ledger).superseded.count == 1)
        #expect(publish([try Self.key(1, .selfReport)], at: 203, restating: true, into: &ledger).duplicates == 1)
        #expect(ledger.standing.keys == [try Self.key(1, .confirmed)])
    }

    /// A test that is withdrawn warns in no form, also in those that the revocation does not overlap.
    @Test func aRevocationIsWrittenForEveryForm() throws {
        var ledger = PublicationLedger()
        let forms = [
            try Self.key(period: 90), try Self.key(period: 144), try Self.key(start: 300, period: 20),
            try Self.key(2, period: 90),
        ]
        _ = publish(forms, at: 400, into: &ledger)
        let selection = publish([try Self.key(period: 144, .revoked)], at: 401, into: &ledger)
        #expect(selection.news.count == 3 && selection.furtherRevocations == 2)
        #expect(ledger.standing.live(at: Interval(Self.day + 401)) == [forms[3]])
    }

    /// The form that is named may still be in use and must wait; those that are public need not.
    @Test func aRevocationThatMustWaitWithdrawsWhatIsPublic() throws {
        var ledger = PublicationLedger()
        _ = publish([try Self.key(period: 90)], at: 110, into: &ledger)
        let revocation = try Self.key(period: 144, .revoked)
        let selection = publish([revocation, try Self.key(period: 80)], at: 111, into: &ledger)
        #expect(selection.held.map(\.key) == [revocation])
        #expect(selection.news == [try Self.key(period: 90, .revoked)] && selection.furtherRevocations == 1)
        #expect(selection.formsOfRevoked == [try Self.key(period: 80)])
    }

    @Test func aNewFormOfRevokedBytesIsRefused() throws {
        var ledger = PublicationLedger()
        _ = publish([try Self.key(period: 90, .revoked)], at: 400, into: &ledger)
        for form in [try Self.key(period: 144), try Self.key(start: 200, period: 30)] {
            #expect(publish([form], at: 401, into: &ledger).formsOfRevoked == [form])
        }
        #expect(publish([try Self.key(2)], at: 401, into: &ledger).news.count == 1)
    }

    @Test func anImportThatRevokesAKeyPublishesNoOtherFormOfIt() throws {
        let ledger = PublicationLedger()
        let (form, revoked) = (try Self.key(period: 90), try Self.key(period: 144, .revoked))
        for keys in [[form, revoked], [revoked, form]] {
            let selection = ledger.selection(of: keys, at: Interval(Self.day + 400))
            #expect(selection.news == [revoked] && selection.formsOfRevoked == [form])
        }
    }

    /// What is public keeps no secret, so taking it back need not wait for two hours.
    @Test func aRevocationOfWhatIsPublishedGoesAtOnce() throws {
        var ledger = PublicationLedger()
        // Published by a version that knew no such rule.
        ledger.published([KeyReport(try Self.key(), publication: Interval(Self.day + 145))])
        #expect(publish([try Self.key(1, .revoked)], at: 146, into: &ledger).news.count == 1)
        #expect(publish([try Self.key(2, .revoked)], at: 146, into: &ledger).held.count == 1)
    }

    /// Every key of an import is in exactly one of the results.
    @Test func everyKeyIsAccountedFor() throws {
        var random = SplitMix64(seed: 22)
        var ledger = PublicationLedger()
        for turn in 0..<400 {
            let keys = clashingReports(10, using: &random).map(\.key)
            let now = Interval(Self.day + 100 + UInt32(turn * 7))
            let selection = ledger.selection(of: keys, at: now, restating: turn.isMultiple(of: 5))
            let parts = [
                selection.news.count - selection.furtherRevocations, selection.held.count, selection.expired,
                selection.tooFarAhead.count, selection.duplicates, selection.superseded.count,
                selection.formsOfRevoked.count,
            ]
            #expect(parts.reduce(0, +) == keys.count)
            let before = ledger.standing
            ledger.published(selection.news.map { KeyReport($0, publication: now) })
            // Whatever is published stands afterwards: nothing is sent out in vain.
            for key in selection.news { #expect(ledger.standing.report(of: key.identity)?.key == key) }
            #expect(selection.news.allSatisfy { before.report(of: $0.identity)?.key != $0 })
        }
    }

    // MARK: A clock that was ahead

    /// An archive published by a clock five days ahead, corrected by one that was right: when the time of the first has
    /// come, what stands is said again.
    @Test func aReportFromTheFutureDoesNotBeatAnHonestCorrection() throws {
        var ledger = PublicationLedger()
        let (early, honest, only) = (try Self.key(onset: 5), try Self.key(onset: -1), try Self.key(3))
        let later = Interval(Self.day + 200 + 5 * 144)
        ledger.foundAhead([KeyReport(early, publication: later), KeyReport(only, publication: later)])
        #expect(publish([honest], at: 200, into: &ledger).news == [honest], "nothing ahead counts as published")
        #expect(ledger.answers(at: later).isEmpty, "not before its time")
        let after = later.advanced(by: 1)
        #expect(ledger.answers(at: after) == [honest])
        ledger.published(ledger.answers(at: after).map { KeyReport($0, publication: after) })
        ledger.timeHasCome(at: after)
        #expect(ledger.standing.report(of: honest.identity)?.key == honest)
        #expect(ledger.standing.report(of: only.identity)?.publication == later, "it counts from its own time on")
        #expect(ledger.ahead.isEmpty && ledger.answers(at: after).isEmpty)
    }

    @Test func aRevocationReachesFormsThatWereAhead() throws {
        var ledger = PublicationLedger()
        let later = Interval(Self.day + 900)
        let form = try Self.key(start: 300, period: 50)
        ledger.foundAhead([KeyReport(form, publication: later)])
        // Not ended when the revocation comes, so that is written when the time has come.
        #expect(publish([try Self.key(1, .revoked)], at: 200, into: &ledger).news.count == 1)
        let after = later.advanced(by: 1)
        #expect(ledger.answers(at: after) == [form.with(reportType: .revoked)])
    }

    @Test func whatCannotCountAnyMoreIsNotSaidAgain() throws {
        var ledger = PublicationLedger()
        let (early, honest) = (try Self.key(onset: 5), try Self.key(onset: -1))
        let later = Interval(Self.day + 200 + 16 * 144)
        ledger.foundAhead([KeyReport(early, publication: later)])
        _ = publish([honest], at: 200, into: &ledger)
        #expect(ledger.answers(at: later.advanced(by: 1)).isEmpty)
    }
}
