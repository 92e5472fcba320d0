internal import ExposureKeys
internal import ExposureNotification
internal import FeedFormat

/// What became of the keys of one imported archive. Each is counted once: `published`, `expired`, `notYetEnded`,
/// `malformed`, `duplicates`, `superseded`, `corrections`, `withdrawnBefore` and `endTooFarAhead` add up to `keys`.
public struct ImportReport: Codable, Sendable {
    /// Entries of the archive.
    public var keys: Int
    /// Published now.
    public var published: Int
    /// Left out: ended 15 days ago or earlier.
    public var expired: Int
    /// Held until two hours after their end, then published.
    public var notYetEnded: Int
    /// Left out: no valid keys.
    public var malformed: Int
    /// Left out: published before, with the same or a higher report.
    public var duplicates: Int
    /// Left out: reports that this region has made before and since replaced. `restate` takes them all the same.
    public var superseded: Int
    /// Held until the next interval of ten minutes: corrections of what was published in this one, which would lose.
    public var corrections: Int
    /// Left out: further forms of keys that this region has revoked.
    public var withdrawnBefore: Int
    /// Left out: end more than 26 hours after the import.
    public var endTooFarAhead: Int
    /// Revocations of other forms of the keys that the import revokes, published besides.
    public var furtherRevocations: Int
    /// The first few of those that were superseded, withdrawn before or end too far ahead: what and why.
    public var named: [String]
    /// Unix seconds at which the first of those that are held is published; nil if none is.
    public var heldUntil: Int64?
    /// How the node's clock was judged: `compared` with neighbours', `notCompared` since fewer than two have told the time,
    /// or `trusted` by the operator.
    public var clock: String
    /// How long the import waited for neighbours to tell the time, in milliseconds: up to ten seconds in a node's first
    /// minute.
    public internal(set) var waitedMilliseconds: Int64 = 0
    /// Batches in which they were published.
    public var batches: Int
    /// Encoded bytes of those batches and their checkpoints.
    public var bytes: Int
    /// The feed, `region/epoch`; nil if nothing was published.
    public var feed: String?
    /// Batches of that feed now.
    public var feedCount: UInt64?

    /// Keys named at most.
    private static let namedAtMost = 10

    init(_ export: ExportArchive, _ publication: RegionPublisher.Publication, clock: String) {
        let selection = publication.selection
        keys = export.keys.count + export.rejected.count
        published = selection.news.count - selection.furtherRevocations
        expired = selection.expired
        notYetEnded = selection.held.count { $0.reason == .inUse }
        malformed = export.rejected.count
        duplicates = selection.duplicates
        superseded = selection.superseded.count
        corrections = selection.held.count { $0.reason == .sameInterval }
        withdrawnBefore = selection.formsOfRevoked.count
        endTooFarAhead = selection.tooFarAhead.count
        furtherRevocations = selection.furtherRevocations
        named = ImportReport.named(selection)
        heldUntil = selection.held.map(\.due).min()?.unixSeconds
        self.clock = clock
        batches = publication.batches.count
        bytes = publication.batches.reduce(0) { $0 + $1.bytes.count + $1.checkpoint.count }
        feed = publication.batches.last?.feed.description
        feedCount = publication.batches.last.map { $0.number + 1 }
    }

    /// A key that is not published yet, or never was, is named by when it ends only: its bytes let others pose as its owner.
    private static func named(_ selection: ImportSelection) -> [String] {
        func bytes(_ key: DiagnosisKey) -> String {
            "key " + key.data.bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "…"
        }
        let superseded = selection.superseded.map { key in
            "\(bytes(key)), \(says(key)): this region has said that before and says something else since"
        }
        let withdrawn = selection.formsOfRevoked.map { key in
            "\(bytes(key)), \(validity(key)): this region has revoked the key in another form"
        }
        let ahead = selection.tooFarAhead.map { key in
            "a key that ends \(UTCText.moment(key.metadata.end.unixSeconds)): no phone's key ends more than 26 hours ahead"
        }
        return Array((superseded + withdrawn + ahead).prefix(namedAtMost))
    }

    private static func says(_ key: DiagnosisKey) -> String {
        let onset = key.metadata.daysSinceOnset.map { "days since onset \($0)" } ?? "no days since onset"
        return "\(key.metadata.reportType), \(onset)"
    }

    private static func validity(_ key: DiagnosisKey) -> String {
        "from \(UTCText.moment(key.metadata.rollingStart.unixSeconds)) to "
            + UTCText.moment(key.metadata.end.unixSeconds)
    }
}
