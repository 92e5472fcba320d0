import ArgumentParser
import ClientSync

/// How fresh a phone's keys are, in the form of `--json`.
struct ToldFreshness: Encodable {
    /// As in `Freshness.Standing`.
    let standing: String
    /// Unix seconds; absent if keys were never fetched.
    let fetchedUntil: Int64?
    let incompleteRegions: Int
    /// As in `NodeTrust`.
    let trust: String
    /// As in `ClockDifference`; absent if the clocks agree.
    let clocks: String?

    init(_ freshness: Freshness) {
        standing = freshness.standing.rawValue
        fetchedUntil = freshness.record.fetchedUntil
        incompleteRegions = freshness.record.incompleteRegions
        trust = freshness.record.trust.rawValue
        clocks = freshness.clocks?.rawValue
    }

    /// What an operator reads of it; nil if there is nothing to remark.
    static func remark(_ freshness: Freshness) -> String? {
        let fetched = freshness.record.fetchedUntil.map { "keys were fetched until \(TimeText.utc($0))" }
        return switch (freshness.standing, freshness.clocks) {
        case (_, .phoneSetBack?):
            "NOTHING CAN BE SAID: \(fetched ?? "no keys were fetched"), and this clock shows an earlier time; set it right"
        case (.fresh, _): nil
        case (.stale, _):
            """
            NOTHING CAN BE SAID: \(fetched ?? "no keys were fetched"), more than \(freshness.hours) h ago; sync, then match \
            again
            """
        case (.unknown, _):
            "THE PHONE KNOWS NOTHING: \(fetched.map { "\($0), more than 14 days ago" } ?? "no keys were fetched"); sync first"
        }
    }
}

extension ExitCode {
    /// Of a sync that did not bring the phone up to date, and of a matching or report by which nothing can be said.
    static let nothingCanBeSaid = ExitCode(3)
}
