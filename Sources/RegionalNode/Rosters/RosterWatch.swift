internal import ExposureKeys
internal import FeedFormat
internal import Foundation
internal import Logging

/// Brings new rosters to a running node, and says in time when the one in use runs out.
extension NodeContext {
    /// What became of a roster that was offered.
    enum RosterOutcome: Sendable {
        case taken(Roster)
        /// The one at hand, or an older one.
        case known(Roster)
        case refused(FormatError)
    }

    /// Takes a roster, from whomever it comes, if it follows the one at hand.
    /// - Parameters:
    ///   - origin: where it comes from, for the operator.
    ///   - peer: the node that sent it, if one did.
    ///   - isAnswered: whoever offers it is told of a refusal, which then is no alarm.
    func offer(
        roster bytes: [UInt8],
        from origin: String,
        peer: Region? = nil,
        isAnswered: Bool = false
    ) async throws -> RosterOutcome {
        let outcome = try await queue.run { _ in self.take(roster: bytes, from: origin) }
        if case .refused(let error) = outcome, !isAnswered {
            let subject = peer.map { AlarmSubject(.refusedRoster, $0) }
            raise("a roster from \(origin) was refused: \(error.reason)", about: subject)
        }
        if case .taken = outcome { refreshIndex() }
        return outcome
    }

    private func take(roster bytes: [UInt8], from origin: String) -> RosterOutcome {
        do throws(FormatError) {
            let (isTaken, notKept) = try rosters.offer(bytes, now: clock.seconds)
            guard isTaken else { return .known(rosters.current) }
            if let notKept { raise("a newer roster is in use, but could not be kept: \(notKept.reason)") }
            let roster = rosters.current
            logger.notice("roster changed", metadata: ["version": "\(roster.version)", "from": "\(origin)"])
            return .taken(roster)
        } catch {
            return .refused(error)
        }
    }
}

/// Looks at the roster's file, and at the clock.
struct RosterWatch: Sendable {
    let node: NodeContext
    let verifier: NoteVerifier
    let path: String

    /// How often. The file's date and size are looked at, not the file.
    private static let pause = Duration.seconds(2)
    /// Alarms begin so many seconds before a roster expires: 14 days.
    static let warning: Int64 = 14 * 86_400

    func run() async {
        var seen: Stamp?
        var raised: [String] = []
        let node = node
        try? await node.queue.run { _ in
            if let failure = node.rosters.keep() { node.raise("the roster could not be kept: \(failure.reason)") }
        }
        while !Task.isCancelled {
            let stamp = Stamp(path)
            if let stamp, stamp != seen { await offerFile() }
            seen = stamp ?? seen
            raised = check(raised)
            try? await Task.sleep(for: RosterWatch.pause)
        }
    }

    private func offerFile() async {
        do {
            _ = try await node.offer(roster: try RosterFiles.bytes(path), from: path)
        } catch {
            if !Task.isCancelled { node.raise("the roster's file cannot be read: \(error)") }
        }
    }

    /// Raises what holds now, and ends what held the last time only.
    private func check(_ before: [String]) -> [String] {
        let alarms = alarms()
        for alarm in alarms { node.raise(alarm) }
        for alarm in before where !alarms.contains(alarm) { node.health.end(alarm, at: node.clock.now) }
        return alarms
    }

    private func alarms() -> [String] {
        let roster = node.rosters.current
        let now = node.clock.seconds
        var alarms: [String] = []
        if now >= roster.expires {
            alarms.append(
                "roster version \(roster.version) has expired, at \(RosterStanding.moment(roster.expires)); this node goes "
                    + "on under it, phones do for 14 days: get a newer one from the authorities now"
            )
        } else if roster.expires - now < RosterWatch.warning {
            alarms.append(
                "roster version \(roster.version) expires at \(RosterStanding.moment(roster.expires)), in less than 14 days; "
                    + "get a newer one from the authorities"
            )
        }
        let obstacle = RosterStanding.obstacle(to: node.region, signingWith: verifier, in: roster, now: now)
        if let obstacle {
            alarms.append("this node cannot publish: \(obstacle)")
        } else if let warning = RosterStanding.warning(
            for: node.region,
            signingWith: verifier,
            in: roster,
            now: now
        ) {
            alarms.append(warning)
        }
        return alarms
    }

    /// What tells one state of a file from another without reading it.
    private struct Stamp: Equatable {
        let modified: Date?
        let size: Int?
        let file: Int?

        init?(_ path: String) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
            modified = attributes[.modificationDate] as? Date
            size = attributes[.size] as? Int
            file = attributes[.systemFileNumber] as? Int
        }
    }
}
