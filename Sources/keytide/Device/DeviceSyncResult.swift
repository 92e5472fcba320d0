import ClientSync
import ExposureKeys
import FeedFormat

/// A sync's report in the form of `--json`.
struct DeviceSyncResult: Encodable {
    struct Feed: Encodable {
        var feed: String
        var before: UInt64
        var size: UInt64
        var nodeSize: UInt64
        var batches: Int
        var keys: Int
        var expired: Int
        /// `up to date`, `node lags`, `waits`, `closed`, or the code of a problem.
        var state: String
    }

    struct Found: Encodable {
        var kind: String
        var feed: String
        var size: UInt64
    }

    struct Witnesses: Encodable {
        struct Finding: Encodable {
            /// As in `WitnessFinding.Kind`.
            var kind: String
            var proven: Bool
            var feed: String?
            var size: UInt64?
            var witness: String?
            var reason: String
        }

        var wanted: Int
        var present: [String]
        var witnessed: Bool
        var findings: [Finding]
    }

    var node: String
    var rosterVersion: UInt64
    var indexSigner: String?
    var indexTime: Int64?
    var notModified: Bool
    var upToDate: Bool
    /// Whether the index was news; if not, why: as in `IndexStanding`.
    var isNews: Bool
    var index: String
    /// How fresh the phone's keys are from now on.
    var news: ToldFreshness
    var feeds: [Feed]
    var batches: Int
    var keys: Int
    var requests: Int
    var bytes: Int
    var seconds: Double
    var problems: [String]
    var evidence: [Found]
    /// Absent if none are wanted.
    var witnesses: Witnesses?

    init(_ report: SyncReport, seconds: Double, now: Int64) {
        node = report.node
        rosterVersion = report.rosterVersion
        indexSigner = report.indexSigner?.code
        indexTime = report.indexTime
        notModified = report.notModified
        upToDate = report.isUpToDate
        isNews = report.index == .news
        index = report.index.rawValue
        news = ToldFreshness(Freshness(report.freshness, now: now))
        feeds = report.feeds.map { feed in
            Feed(
                feed: feed.feed.description,
                before: feed.sizeBefore,
                size: feed.size,
                nodeSize: feed.nodeSize,
                batches: feed.batches,
                keys: feed.keys,
                expired: feed.expired,
                state: DeviceSyncResult.state(of: feed)
            )
        }
        batches = report.batches
        keys = report.keys
        requests = report.requests
        bytes = report.bytes
        self.seconds = seconds
        problems = report.problems.map(\.description) + report.feeds.compactMap { $0.problem?.description }
        evidence = report.evidence.map { evidence in
            Found(
                kind: DeviceSyncResult.words(for: evidence.kind),
                feed: evidence.feed.description,
                size: evidence.size
            )
        }
        if report.witnesses.wanted > 0 { witnesses = Witnesses(report.witnesses) }
    }

    private static func words(for kind: Evidence.Kind) -> String {
        switch kind {
        case .fork: "a fork"
        case .indexClaim: "a false index"
        case .withheld: "withholding"
        case .replay: "an old index"
        }
    }

    private static func state(of feed: FeedReport) -> String {
        if let problem = feed.problem { return problem.code.name }
        if feed.isWaiting { return "waits" }
        if feed.isClosed { return "closed" }
        return feed.nodeLags ? "node lags" : "up to date"
    }
}

extension DeviceSyncResult.Witnesses {
    fileprivate init(_ report: WitnessReport) {
        wanted = report.wanted
        present = report.present.map(\.code)
        witnessed = report.isWitnessed
        findings = report.findings.map { finding in
            Finding(
                kind: finding.kind.name,
                proven: finding.evidence != nil,
                feed: finding.feed?.description,
                size: finding.size,
                witness: finding.witness?.code,
                reason: finding.reason
            )
        }
    }
}
