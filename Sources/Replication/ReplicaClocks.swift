import ExposureKeys
import FeedFormat

/// What peers say of the time, and whether an alarm stands.
struct ClockWatch: Sendable {
    var reports = SortedMap<LinkID, Report>()
    var standing: ClockStanding
    var alarm: ReplicaAlarm?

    /// One peer's newest word.
    struct Report: Sendable {
        let peer: Region
        /// Its clock less the time passed here; nil while all that came was an index of unknown age.
        var lead: Int64?
    }
}

/// Comparing clocks. A digest says what its sender's clock shows in that moment. An index says when it was signed, which
/// may have been long ago; only the later ones of a link are fresh, and they count where a peer sends no digests. A
/// region has one voice, however many links it has.
extension Replica {
    /// What the peers' clocks say about this node's.
    public var clockStanding: ClockStanding { clocks.standing }

    /// - Parameter unix: milliseconds.
    mutating func noteClock(_ unix: Int64, from link: LinkID, peer: Region, now: Timestamp) {
        // Dates beyond the year 10,000 only serve to make the arithmetic overflow.
        let unix = min(max(0, unix), Replica.lastMoment)
        clocks.reports[link] = ClockWatch.Report(peer: peer, lead: unix &- now.elapsed)
        weighClocks()
    }

    /// - Parameter time: unix seconds at which the peer signed its index.
    mutating func noteClock(ofIndex time: Int64, from link: LinkID, peer: Region, now: Timestamp) {
        guard exchanges[link] == nil else { return }
        guard clocks.reports[link] != nil else {
            return clocks.reports[link] = ClockWatch.Report(peer: peer, lead: nil)
        }
        noteClock(min(max(0, time), Replica.lastMoment / 1000) * 1000, from: link, peer: peer, now: now)
    }

    mutating func forgetClock(of link: LinkID) {
        guard clocks.reports[link] != nil else { return }
        clocks.reports[link] = nil
        weighClocks()
    }

    /// The roster has changed, or is there.
    mutating func countClocks() {
        clocks.standing.isAlone = roster.regions.count < 3
        if clocks.standing.isAlone { clocks.standing.middle = nil }
    }

    private mutating func weighClocks() {
        var newest = SortedMap<Region, Int64>()
        for report in clocks.reports.values { if let lead = report.lead { newest[report.peer] = lead } }
        // What two or more said before stands while fewer are linked.
        guard newest.count >= 2, !clocks.standing.isAlone else { return }
        let leads = newest.values.sorted()
        clocks.standing.middle = leads[(leads.count - 1) / 2]...leads[leads.count / 2]
    }

    /// Raises the alarm, or ends it.
    mutating func attendToClock(now: Timestamp) {
        if clocks.standing.since == nil { clocks.standing.since = now }
        let isDoubtful = clocks.standing.isDoubtful(at: now)
        guard isDoubtful != (clocks.alarm != nil) else { return }
        if let alarm = clocks.alarm {
            clocks.alarm = nil
            effects.append(.endAlarm(alarm))
        } else if let difference = clocks.standing.difference(at: now) {
            let alarm = ReplicaAlarm.clockDiffers(seconds: difference / 1000)
            clocks.alarm = alarm
            effects.append(.alarm(alarm))
        }
    }

    /// Unix milliseconds of the year 10,000, nearly.
    private static let lastMoment: Int64 = 250_000_000_000_000
}
