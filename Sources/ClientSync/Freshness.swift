/// How far the node of a sync can be believed.
public enum NodeTrust: String, Sendable, Codable, CaseIterable {
    /// As many nodes of other operators as the phone wants bear it out.
    case confirmed
    /// Fewer than wanted do, or none is wanted.
    case unconfirmed
    /// Nodes of other operators contradict it, which proves nothing yet.
    case doubted
    /// Bytes that the phone keeps prove that it withholds, or passes off old for new.
    case disproved
}

/// In what way the clocks of phone and node differ by more than `Freshness.clockTolerance`. One of them is wrong, or the
/// node has been cut off.
public enum ClockDifference: String, Sendable, Codable, CaseIterable {
    /// The node's last index is older: its clock is behind, it was cut off, or the phone's clock is ahead.
    case nodeBehind
    /// The node's last index is from the phone's future.
    case nodeAhead
    /// The phone's clock shows a time before the one until which it has fetched keys: it was set back, or was ahead then.
    case phoneSetBack
}

/// What the syncs of a phone have shown of how fresh its keys are. Kept beside them; `Freshness` judges it at a time.
public struct FreshnessRecord: Sendable, Equatable {
    /// Unix seconds until which keys were fetched: when the node had signed the last index that was news or, if earlier,
    /// when that came by the phone's clock. Nil if none ever was.
    public var fetchedUntil: Int64?
    /// Regions of which that sync could not fetch all.
    public var incompleteRegions: Int
    /// Of the node of the last sync that read an index.
    public var trust: NodeTrust
    /// As that sync found the clocks; nil if they agree.
    public var clocks: ClockDifference?

    public init(
        fetchedUntil: Int64? = nil,
        incompleteRegions: Int = 0,
        trust: NodeTrust = .unconfirmed,
        clocks: ClockDifference? = nil
    ) {
        self.fetchedUntil = fetchedUntil
        self.incompleteRegions = max(0, incompleteRegions)
        self.trust = trust
        self.clocks = clocks
    }

    /// With what one more sync has shown.
    func after(_ report: SyncReport, now: Int64) -> FreshnessRecord {
        var record = self
        record.clocks = report.clocks
        // "Not modified" is said of an index that was read before, and judged then.
        if !report.notModified { record.trust = report.trust }
        guard report.index == .news, let signed = report.indexTime else { return record }
        let until = min(signed, now)
        record.fetchedUntil = max(fetchedUntil.map { min($0, now) } ?? until, until)
        if !report.notModified { record.incompleteRegions = report.incompleteRegions }
        return record
    }
}

/// How fresh what a phone holds is at a time, and so what can be said by it.
public struct Freshness: Sendable, Equatable {
    public enum Standing: String, Sendable, Codable, CaseIterable {
        /// Keys were fetched lately: what is not found among them is not published.
        case fresh
        /// There was no news for longer than is waited for: of the time since nothing can be said.
        case stale
        /// No key that counts at this time was ever fetched: the phone knows nothing.
        case unknown
    }

    public let standing: Standing
    public let record: FreshnessRecord
    /// As the last sync or, where the phone's clock was set back since, this moment finds the clocks.
    public let clocks: ClockDifference?
    /// Hours without news that are waited for.
    public let hours: Int

    /// - Parameters:
    ///   - hours: without news after which nothing can be said; `RiskConfiguration.maximumHoursWithoutNews`.
    ///   - now: unix seconds, by the phone's clock.
    public init(_ record: FreshnessRecord, hours: Int = Freshness.usualHours, now: Int64) {
        self.record = record
        self.hours = hours
        guard let until = record.fetchedUntil else {
            (standing, clocks) = (.unknown, record.clocks)
            return
        }
        let (age, overflows) = now.subtractingReportingOverflow(until)
        if overflows ? now < until : age < -Freshness.clockTolerance {
            (standing, clocks) = (.stale, .phoneSetBack)
        } else if overflows || age > Freshness.lifetime {
            (standing, clocks) = (.unknown, record.clocks)
        } else {
            (standing, clocks) = (age > Int64(hours) * 3600 ? .stale : .fresh, record.clocks)
        }
    }

    /// Seconds by which clocks may differ: matching allows for as much.
    public static let clockTolerance: Int64 = 7200
    /// Hours without news that are waited for where nothing else is configured.
    public static let usualHours = 24
    /// Seconds for which a key counts after its end: when no key was fetched for as long, none that is held does.
    public static let lifetime: Int64 = 14 * 86_400
}

/// The form in which it is kept and given to programs.
extension FreshnessRecord: Codable {
    private enum CodingKeys: String, CodingKey { case fetchedUntil, incompleteRegions, trust, clocks }

    /// What was kept may have been damaged: an impossible number counts as the nearest possible one.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            fetchedUntil: try values.decodeIfPresent(Int64.self, forKey: .fetchedUntil)
                .map { min(max(0, $0), DeviceState.times.upperBound) },
            incompleteRegions: try values.decode(Int.self, forKey: .incompleteRegions),
            trust: try values.decode(NodeTrust.self, forKey: .trust),
            clocks: try values.decodeIfPresent(ClockDifference.self, forKey: .clocks)
        )
    }
}
