import ArgumentParser
import FeedFormat
import FeedStore
import Foundation

/// `keytide store check`: reads every batch of a store and compares it with its leaf hash and, given a roster, with what
/// its region signed.
struct StoreCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a store whole and say what is damaged.",
        discussion: """
            Changes nothing; a node may have the store open meanwhile. Exit status 0 if nothing is damaged, 1 else. \
            With --roster and --authorities signatures are checked as well.
            """
    )

    @Argument(help: "The store's file, also one that was moved aside.", completion: .file())
    var path: String

    @Option(help: "File with the signed roster.", completion: .file())
    var roster: String?

    @Option(help: "File that says who may sign the roster.", completion: .file())
    var authorities: String?

    @Flag(help: "One JSON object.")
    var json = false

    /// What was found of one feed.
    struct FeedReport: Encodable {
        var feed: String
        /// Batches that should be held.
        var batches: Int
        var bytes = 0
        /// Batches that had never come, only their hashes: no damage.
        var missing = 0
        /// Batches, the last of the feed, of which not even a hash is left.
        var lost = 0
        /// Numbers of batches that are missing or are not what their leaf hash says.
        var damaged: [UInt64] = []
        /// Numbers of batches whose checkpoint is not the region's signature on them; nil if no roster was given.
        var unproven: [UInt64]?
    }

    private struct Report: Encodable {
        var path: String
        /// What SQLite finds wrong with the file.
        var findings: [String]
        var feeds: [FeedReport]

        var isWhole: Bool {
            findings.isEmpty && feeds.allSatisfy { $0.damaged.isEmpty && $0.lost == 0 && $0.unproven?.isEmpty != false }
        }
    }

    func validate() throws {
        guard (roster == nil) == (authorities == nil) else {
            throw ValidationError("Give both --roster and --authorities, or neither.")
        }
    }

    func run() throws {
        let roster = try verifiedRoster()
        let report: Report
        do throws(StoreError) {
            let inspection = try StoreInspection(path: path)
            defer { inspection.close() }
            Output.progress("checking the file's pages")
            let findings = inspection.findings()
            let feeds = inspection.feeds().compactMap { place in
                inspection.feed(place).map { StoreCheckCommand.check($0, in: inspection, roster: roster) }
            }
            report = Report(path: path, findings: findings, feeds: feeds)
        } catch {
            throw CommandError(error.reason)
        }
        if json {
            try Output.json(report)
        } else {
            StoreCheckCommand.show(report)
        }
        if !report.isWhole { throw ExitCode(1) }
    }

    private func verifiedRoster() throws -> Roster? {
        guard let roster, let authorities else { return nil }
        let text = try Files.text(authorities)
        let bytes = [UInt8](try Files.read(roster))
        do throws(FormatError) {
            // An old roster proves old batches as well as it ever did.
            return try Roster(bytes[...], authorities: try RosterAuthorities(text: text), now: 0)
        } catch {
            throw CommandError("the roster \(roster) is not valid under \(authorities): \(error)")
        }
    }

    private static func check(
        _ feed: StoreInspection.Feed,
        in inspection: StoreInspection,
        roster: Roster?
    ) -> FeedReport {
        let rule = roster?.rule(for: feed.feed)
        var report = FeedReport(
            feed: feed.feed.description,
            batches: feed.numbers.count,
            unproven: roster.map { _ in [] }
        )
        let isAdmitted = rule?.admits(base: feed.base, leaves: feed.leaves) == true
        var frontier = feed.start
        let end = min(feed.numbers.upperBound, feed.base.size + UInt64(feed.leaves.count))
        for number in feed.numbers.lowerBound..<max(feed.numbers.lowerBound, end) {
            if (number - feed.numbers.lowerBound) % 1000 == 0 { Output.progress("\(feed.feed): batch \(number)") }
            guard let leaf = feed.leaf(number) else { break }
            frontier?.append(leaf)
            if feed.gaps.contains(number) {
                report.missing += 1
                continue
            }
            guard let batch = inspection.batch(number, of: feed), batch.leaf == leaf, batch.isConsistent else {
                report.damaged.append(number)
                continue
            }
            report.bytes += batch.bytes.count + batch.checkpoint.count
            guard roster != nil else { continue }
            let isProven = frontier.map { rule?.proves(batch.checkpoint[...], $0) == true } ?? false
            if !isAdmitted || !isProven { report.unproven?.append(number) }
        }
        // Behind the first hash that is missing nothing proves itself. Counted, not listed: a forged row may claim many.
        report.lost = Int(feed.numbers.upperBound - max(feed.numbers.lowerBound, end))
        return report
    }

    private static func show(_ report: Report) {
        for finding in report.findings { Output.line("SQLite: \(finding)") }
        Output.table(
            [["feed", "batches", "bytes", "damaged", "unproven"]]
                + report.feeds.map { feed in
                    [
                        feed.feed, Output.grouped(feed.batches), Output.grouped(feed.bytes),
                        "\(feed.damaged.count + feed.lost)",
                        feed.unproven.map { "\($0.count)" } ?? "-",
                    ]
                }
        )
        for feed in report.feeds where !feed.damaged.isEmpty {
            Output.line("damaged in \(feed.feed): \(feed.damaged.prefix(50).map(String.init).joined(separator: " "))")
        }
        Output.line(report.isWhole ? "whole" : "DAMAGED")
    }
}
