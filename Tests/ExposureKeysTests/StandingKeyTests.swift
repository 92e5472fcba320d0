import ExposureKeys
import TestSupport
import Testing

/// What the forms of one key's bytes mean together.
struct StandingKeyTests {
    private static let day: UInt32 = 2_678_400

    private func form(
        _ start: UInt32,
        _ period: Int,
        _ type: ReportType = .confirmed,
        at publication: UInt32 = 0,
        onset: Int? = nil,
        data: UInt64 = 1
    ) throws -> KeyReport<DiagnosisKey> {
        let metadata = try #require(
            KeyMetadata(
                rollingStart: Interval(Self.day + start),
                rollingPeriod: period,
                reportType: type,
                daysSinceOnset: onset
            )
        )
        let key = DiagnosisKey(data: KeyData(high: data, low: 0), metadata: metadata)
        return KeyReport(key, publication: Interval(Self.day + 300 + publication))
    }

    private func runs(_ reports: KeyReport<DiagnosisKey>..., successor: [KeyReport<DiagnosisKey>] = []) -> [String] {
        RegionKeys(joining: reports).standing(revisedBy: RegionKeys(joining: successor)).map { run in
            let (start, end) = (run.start.number - Self.day, run.end.number - Self.day)
            return "\(start)..<\(end)\(run.isWithdrawn ? " withdrawn" : "")"
        }
    }

    @Test func overlappingFormsAreOneKey() throws {
        #expect(runs(try form(0, 90), try form(0, 144)) == ["0..<144"])
        #expect(runs(try form(0, 90), try form(60, 144)) == ["0..<204"])
        #expect(runs(try form(0, 90), try form(80, 100), try form(170, 144)) == ["0..<314"], "by way of a third one")
        #expect(runs(try form(0, 90), try form(90, 50)) == ["0..<90", "90..<140"], "these touch and do not overlap")
        #expect(runs(try form(0, 90), try form(200, 90)) == ["0..<90", "200..<290"])
    }

    @Test func theHighestReportSpeaksForTheRun() throws {
        let early = try form(0, 144, .confirmed, at: 0, onset: 1)
        let late = try form(0, 90, .confirmed, at: 5, onset: 2)
        let weak = try form(10, 90, .clinical, at: 9, onset: 3)
        let standing = RegionKeys(joining: [weak, early, late]).standing()
        #expect(standing.count == 1 && standing.first?.report == late)
        #expect(standing.first?.forms.count == 3)
    }

    @Test func aRevocationReachesTheFormsThatItOverlaps() throws {
        #expect(runs(try form(0, 90, .revoked), try form(0, 144)) == ["0..<144 withdrawn"])
        #expect(runs(try form(0, 90), try form(0, 144, .revoked)) == ["0..<144 withdrawn"])
        #expect(runs(try form(0, 90), try form(80, 144, .revoked)) == ["0..<224 withdrawn"])
        #expect(
            runs(try form(0, 90, .revoked), try form(80, 100), try form(170, 144)) == [
                "170..<314", "0..<180 withdrawn",
            ],
            "not by way of a third one"
        )
        #expect(runs(try form(0, 90), try form(200, 90, .revoked)) == ["0..<90", "200..<290 withdrawn"])
        let other = try form(0, 144, data: 2)
        #expect(
            RegionKeys(joining: [try form(0, 144, .revoked), other]).live(at: Interval(Self.day + 400)) == [other.key]
        )
    }

    @Test func aSuccessorRevisesAndRevokesButAddsNothing() throws {
        #expect(runs(try form(0, 144), successor: [try form(0, 90, .revoked)]) == ["0..<144 withdrawn"])
        #expect(runs(try form(0, 144), successor: [try form(0, 90)]) == ["0..<144"])
        #expect(runs(successor: [try form(0, 90)]).isEmpty)
        let (own, revised) = (try form(0, 144, onset: 1), try form(0, 144, at: 1, onset: -1))
        let standing = RegionKeys(joining: [own]).standing(revisedBy: RegionKeys(joining: [revised]))
        #expect(standing.map(\.report) == [revised])
    }

    /// However reports come, in whichever batches: the state is the same, so what is read is.
    @Test func orderLeavesNoTrace() {
        var random = SplitMix64(seed: 9)
        for _ in 0..<500 {
            let reports = clashingReports(12, using: &random)
            let whole = RegionKeys(joining: reports).standing()
            var state = RegionKeys()
            for report in reports.shuffled(using: &random) { state.join(RegionKeys(joining: [report])) }
            #expect(state.standing() == whole)
            // Every form is in exactly one run.
            #expect(whole.flatMap(\.forms).map(\.identity).sorted() == state.keys.map(\.identity))
            for run in whole where !run.isWithdrawn {
                let revoked = state.keys.filter { $0.data == run.material && $0.metadata.reportType == .revoked }
                for form in run.forms.map(\.metadata) {
                    #expect(
                        !revoked.contains { $0.metadata.rollingStart < form.end && form.rollingStart < $0.metadata.end }
                    )
                }
            }
        }
    }

    /// A revocation is forgotten with the last form that it reaches, not before.
    @Test func aRevocationStaysAsLongAsWhatItReaches() throws {
        let (revoked, longer) = (try form(0, 90, .revoked), try form(80, 144))
        var state = RegionKeys(joining: [revoked, longer])
        state.forget(endedAtOrBefore: Interval(Self.day + 90))
        #expect(state.reports == [revoked, longer])
        #expect(state.live(at: Interval(Self.day + 300)).isEmpty)
        state.forget(endedAtOrBefore: Interval(Self.day + 224))
        #expect(state.reports.isEmpty)
        var apart = RegionKeys(joining: [revoked, try form(200, 90)])
        apart.forget(endedAtOrBefore: Interval(Self.day + 90))
        #expect(apart.count == 1)
    }

    /// Liveness is the run's: as long as one of its forms matters, all of it does.
    @Test func aRunLivesAsLongAsItsLastForm() throws {
        let state = RegionKeys(joining: [try form(0, 90), try form(60, 144)])
        let lifetime: UInt32 = 14 * 144
        #expect(state.live(at: Interval(Self.day + 203 + lifetime)).count == 2)
        #expect(state.live(at: Interval(Self.day + 204 + lifetime)).isEmpty)
    }
}
