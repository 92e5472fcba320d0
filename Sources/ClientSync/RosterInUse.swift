internal import ExposureKeys
internal import FeedFormat

/// The roster of one sync. A held one is young for a day, but keys are exchanged and closed within minutes: where what a
/// node serves does not fit the roster, the node is asked for a newer one, once in a sync at most.
struct RosterInUse: Sendable {
    private(set) var roster: Roster
    /// Whether some feed is to be settled with a node since a closed key had signed it.
    private(set) var isUnsettled: Bool
    private var isAsked: Bool
    private let rosters: RosterSync

    init(_ rosters: RosterSync) async throws {
        self.rosters = rosters
        (roster, isAsked) = try await rosters.current(refresh: false)
        isUnsettled = try await ClosureCheck(roster: roster, storage: rosters.storage).run()
    }

    /// Asks the node for a newer roster, unless this sync has; what that one closes is forgotten.
    /// - Returns: whether there is one.
    @discardableResult
    mutating func renew() async throws -> Bool {
        guard !isAsked else { return false }
        let former = roster.version
        (roster, isAsked) = try await rosters.current(refresh: true)
        guard roster.version > former else { return false }
        isUnsettled = try await ClosureCheck(roster: roster, storage: rosters.storage).run()
        return true
    }

    /// What is wrong with the roster though it is used; nil if nothing is.
    var problem: SyncError? { rosters.problem(with: roster) }
}

extension FeedReport {
    /// Whether no key that the roster holds valid has signed what the node has.
    var isOfUnknownKey: Bool { (problem?.cause as? FormatError)?.code == .missingSignature }

    /// This feed, followed again in the same sync.
    func followed(by again: FeedReport) -> FeedReport {
        var sum = again
        sum.batches += batches
        sum.keys += keys
        sum.expired += expired
        sum.roots += roots
        return sum
    }
}
