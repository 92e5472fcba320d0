import ExposureKeys
import ExposureNotification
import FeedFormat
import FeedStore
import Foundation
import HTTP2
import NIOCore
import RegionalNode
import TestSupport
import Testing

/// What an import publishes, holds and refuses, by real nodes over their admin sockets.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ImportRulesTests {
    private static let now = Interval(unixSeconds: TestCountry.time)

    private func key(
        _ number: UInt64,
        endingIn intervals: Int64,
        _ type: ReportType = .confirmed,
        onset: Int? = 0
    ) throws -> DiagnosisKey {
        let metadata = try #require(
            KeyMetadata(
                rollingStart: Self.now.advanced(by: intervals - Interval.perDay),
                rollingPeriod: Int(Interval.perDay),
                reportType: type,
                daysSinceOnset: onset
            )
        )
        return DiagnosisKey(data: KeyData(high: number, low: 0x6b65_7974), metadata: metadata)
    }

    /// All keys that a node has published, whatever the order.
    private func published(by number: Int, of country: TestCountry) throws -> [DiagnosisKey] {
        let storage = try country.store(number)
        defer { try? storage.close() }
        let own = try storage.feeds().filter { $0.feed.region == country.regions[number] }
        let batches = try own.flatMap { try storage.batches($0.feed, $0.first..<$0.count) }
        let reports = try batches.flatMap { batch in
            try Batch(batch.bytes).keys().map { KeyReport($0, publication: batch.publication) }
        }
        return RegionKeys(joining: reports).keys
    }

    /// A clock five days ahead, among neighbours that are right: nothing is taken until the operator says so, and what is
    /// published then counts as nothing once the clock is right.
    @Test func aClockThatIsAheadSwallowsNoImport() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            let country = nodes.country
            for number in [0, 2] { try await nodes.start(number) }
            try await nodes.start(1, asOf: TestCountry.time + 5 * 86_400)
            // Of keys that count by both clocks.
            let archive = try country.archive(of: try (1...5).map { try key($0, endingIn: -200) })
            let (head, body) = try await nodes[1].post(archive.bytes, key: country.publisher.verificationKey)
            #expect(head.status == 422)
            let words = String(buffer: body)
            #expect(words.contains("ahead of the clocks of most neighbours") && words.contains("--trust-clock"))
            #expect(try await nodes[1].status().ownKeys == 0)
            var trusting = ImportOptions()
            trusting.trustsClock = true
            let taken = try await nodes[1].publish(archive, of: country, trusting)
            #expect(taken.published == archive.keys.count && taken.clock == "trusted")
            try await nodes.stop(1)
            try await nodes.start(1)
            let alarmed = try await eventually(seconds: 20) {
                try await nodes[1].status().alarms.contains {
                    $0.ended == nil && $0.what.contains("more than two hours ahead of this node's clock")
                }
            }
            #expect(alarmed)
            let again = try await nodes[1].publish(archive, of: country)
            #expect(again.published == archive.keys.count && again.duplicates == 0 && again.clock == "compared")
            #expect(again.feed != taken.feed && again.feedCount == 1)
            for number in [0, 2] {
                let isThere = try await eventually(seconds: 20) {
                    try await nodes[number].status().feeds.contains { $0.feed == again.feed && $0.count == 1 }
                }
                #expect(isThere)
            }
        }
    }

    /// Without a second neighbour nobody can tell: the import waits, then goes by the own clock and says so.
    @Test func anImportRightAfterTheStartWaitsForClocks() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79") { nodes in
            let country = nodes.country
            try await nodes.start(1)
            let archive = try country.archive(patients: 3)
            let begin = ContinuousClock.now
            let report = try await nodes[1].publish(archive, of: country)
            let waited = ContinuousClock.now - begin
            #expect(report.clock == "notCompared" && report.published == archive.keys.count)
            #expect(waited > .seconds(9) && waited < .seconds(30))
        }
    }

    @Test func keysInUseAreHeldThroughARestartAndShownNowhere() async throws {
        try await Nodes.with("VN-01", "VN-48") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            let keys = [
                try key(1, endingIn: -12), try key(2, endingIn: -11), try key(3, endingIn: 100),
                try key(4, endingIn: 156), try key(5, endingIn: 157),
            ]
            let report = try await nodes[0].publish(try country.archive(of: keys), of: country)
            #expect(report.published == 1 && report.notYetEnded == 3 && report.endTooFarAhead == 1)
            #expect(report.named.count == 1 && report.heldUntil == Self.now.advanced(by: 1).unixSeconds)
            #expect(try await nodes[0].status().heldKeys == 3)
            try await nodes.stop(0)
            #expect(try published(by: 0, of: country) == [keys[0]])
            // Held keys are in no file that is given away, and in none that others can read.
            let path = country.scratch.file("\(country.regions[0]).store")
            for held in keys.dropFirst() {
                for file in [path, path + "-wal"] {
                    let content = (try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data()
                    #expect(content.range(of: Data(held.data.bytes)) == nil)
                }
            }
            let mode = try FileManager.default.attributesOfItem(atPath: HeldKeyStore.path(besideStore: path))
            #expect((mode[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            // A day and more later, by the clock of the next start.
            try await nodes.start(0, asOf: TestCountry.time + 113 * 600)
            #expect(try await eventually(seconds: 20) { try await nodes[0].status().heldKeys == 1 })
            try await nodes.stop(0)
            #expect(try published(by: 0, of: country) == Array(keys.prefix(3)))
        }
    }

    /// A job that imports yesterday's archive every hour does not undo a correction.
    @Test func whatWasCorrectedIsNotSaidAgainUnlessAskedFor() async throws {
        try await Nodes.with("VN-01") { nodes in
            let country = nodes.country
            let old = try country.archive(of: [try key(1, endingIn: -200, onset: 5)])
            let new = try country.archive(of: [try key(1, endingIn: -200, onset: -1)])
            func publish(_ archive: TestCountry.Archive, at time: Int64, restates: Bool = false) async throws
                -> ImportReport
            {
                try await nodes.start(0, asOf: TestCountry.time + time)
                var options = ImportOptions()
                options.restates = restates
                let report = try await nodes[0].publish(archive, of: country, options)
                try await nodes.stop(0)
                return report
            }
            #expect(try await publish(old, at: 0).published == 1)
            #expect(try await publish(old, at: 600).duplicates == 1)
            #expect(try await publish(new, at: 1200).published == 1)
            let superseded = try await publish(old, at: 1800)
            #expect(superseded.published == 0 && superseded.superseded == 1)
            #expect(superseded.named.first?.contains("days since onset 5") == true)
            #expect(try await publish(new, at: 2400).duplicates == 1)
            #expect(try published(by: 0, of: country) == new.keys)
            #expect(try await publish(old, at: 3000, restates: true).published == 1)
            #expect(try published(by: 0, of: country) == old.keys)
        }
    }

    @Test func aCorrectionInTheSameTenMinutesIsHeldUntilTheNext() async throws {
        try await Nodes.with("VN-01") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            let (large, small) = (try key(1, endingIn: -200, onset: 5), try key(1, endingIn: -200, onset: -1))
            #expect(try await nodes[0].publish(try country.archive(of: [large]), of: country).published == 1)
            let report = try await nodes[0].publish(try country.archive(of: [small]), of: country)
            #expect(report.published == 0 && report.corrections == 1)
            #expect(report.heldUntil == Self.now.advanced(by: 1).unixSeconds)
            try await nodes.stop(0)
            try await nodes.start(0, asOf: TestCountry.time + 600)
            #expect(try await eventually(seconds: 20) { try await nodes[0].status().heldKeys == 0 })
            try await nodes.stop(0)
            #expect(try published(by: 0, of: country) == [small])
        }
    }

    @Test func aRevocationIsWrittenForEveryFormAndNoNewFormIsTaken() async throws {
        try await Nodes.with("VN-01") { nodes in
            let country = nodes.country
            try await nodes.start(0)
            let whole = try key(1, endingIn: -200)
            let metadata = try #require(
                KeyMetadata(rollingStart: whole.metadata.rollingStart, rollingPeriod: 90, reportType: .confirmed)
            )
            let short = DiagnosisKey(data: whole.data, metadata: metadata)
            #expect(try await nodes[0].publish(try country.archive(of: [short]), of: country).published == 1)
            let revoked = whole.with(reportType: .revoked)
            let report = try await nodes[0].publish(try country.archive(of: [], revised: [revoked]), of: country)
            #expect(report.published == 1 && report.furtherRevocations == 1)
            let refused = try await nodes[0].publish(try country.archive(of: [try key(1, endingIn: -190)]), of: country)
            #expect(refused.published == 0 && refused.withdrawnBefore == 1)
            try await nodes.stop(0)
            #expect(try published(by: 0, of: country).allSatisfy { $0.metadata.reportType == .revoked })
        }
    }
}
