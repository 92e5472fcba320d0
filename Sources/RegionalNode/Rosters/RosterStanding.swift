internal import ExposureKeys
internal import FeedFormat
internal import Foundation

/// How a region stands in a roster with the key that its node has.
enum RosterStanding {
    /// Why the region may not publish with this key.
    /// - Parameter now: unix seconds.
    /// - Returns: nil if it may.
    static func obstacle(
        to region: Region,
        signingWith verifier: NoteVerifier,
        in roster: Roster,
        now: Int64
    ) -> String? {
        guard let entry = roster.region(region) else {
            return "the roster, version \(roster.version), does not list \(region)"
        }
        if let successor = entry.successor {
            return "\(region) is retired in roster version \(roster.version): \(successor) publishes in its place"
        }
        if entry.closure(of: verifier) != nil {
            return
                "this node's key is closed in roster version \(roster.version), and phones refuse its index; give it the "
                + "key that is listed now (setting 'key') and restart it, or make one and have it listed"
        }
        guard let key = entry.keys.first(where: { $0.verifier == verifier }) else {
            return
                "roster version \(roster.version) lists \(region) with another key than this node's; give it that one "
                + "(setting 'key') and restart it"
        }
        guard key.notBefore <= now, now < key.notAfter else {
            return "roster version \(roster.version) lets this node's key sign from \(moment(key.notBefore)) to "
                + "\(moment(key.notAfter)), which is not now; give it the key that is listed beside it, have a new one "
                + "listed, or set the clock right"
        }
        return nil
    }

    /// What is to be done soon, or the region's node cannot publish any more.
    /// - Returns: nil if the key lasts for `RosterWatch.warning` seconds more.
    static func warning(
        for region: Region,
        signingWith verifier: NoteVerifier,
        in roster: Roster,
        now: Int64
    ) -> String? {
        guard let key = roster.region(region)?.keys.first(where: { $0.verifier == verifier }),
            key.notAfter - now < RosterWatch.warning
        else { return nil }
        let next = roster.region(region)?.keys.contains { $0.notAfter > key.notAfter } == true
        return "this node's key ends at \(moment(key.notAfter)); "
            + (next
                ? "the roster lists the next one: put that into the setting 'key' and restart the node"
                : "make the next one with 'keytide region rotate' and have it listed")
    }

    /// A time in UTC, for operators.
    static func moment(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).ISO8601Format() }
}
