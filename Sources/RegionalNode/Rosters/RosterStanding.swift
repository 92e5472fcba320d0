internal import ExposureKeys
internal import FeedFormat

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
            return "this node's key is closed in roster version \(roster.version); make a new one and have it listed"
        }
        guard let key = entry.keys.first(where: { $0.verifier == verifier }) else {
            return "roster version \(roster.version) lists \(region) with another key than this node's"
        }
        guard key.notBefore <= now, now < key.notAfter else {
            return "roster version \(roster.version) lets this node's key sign from unix time \(key.notBefore) to "
                + "\(key.notAfter), which is not now; have a new key listed, or set the clock right"
        }
        return nil
    }
}
