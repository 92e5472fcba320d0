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
        if case .refused(let error) = outcome, let peer, !isAnswered {
            alarms.raise(.refusedRoster, "a roster from \(origin) was refused: \(error.reason)", about: peer.code)
        }
        if case .taken = outcome {
            alarms.end(.keptRosterPassedOver)
            refreshIndex()
        }
        return outcome
    }

    private func take(roster bytes: [UInt8], from origin: String) -> RosterOutcome {
        do throws(FormatError) {
            let (isTaken, notKept) = try rosters.offer(bytes, now: clock.seconds)
            guard isTaken else { return .known(rosters.current) }
            alarms.set(
                .rosterNotKept,
                notKept.map { "a newer roster is in use, but could not be kept: \($0.reason)" }
            )
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
        var found = FileFinding.good
        await keep()
        while !Task.isCancelled {
            let stamp = Stamp(path)
            // Again while it is not good: a right to read it, or a newer roster in use, leaves no trace in the file.
            if let stamp, stamp != seen || !found.isGood { found = await offerFile() }
            if stamp == nil { found = .good }
            seen = stamp
            node.alarms.set(.rosterFileUnreadable, found.unreadable)
            node.alarms.set(.rosterFileRefused, found.refused)
            if node.health.isStanding(.rosterNotKept) { await keep() }
            check()
            try? await Task.sleep(for: RosterWatch.pause)
        }
    }

    /// Puts the roster at hand beside the store, if it is not there.
    private func keep() async {
        let node = node
        try? await node.queue.run { _ in
            let failure = node.rosters.keep()
            node.alarms.set(.rosterNotKept, failure.map { "the roster could not be kept: \($0.reason)" })
        }
    }

    /// What is wrong with the file of setting `roster`.
    private enum FileFinding {
        case good
        case cannotBeRead(String)
        case isRefused(String)

        var unreadable: String? { if case .cannotBeRead(let text) = self { text } else { nil } }
        var refused: String? { if case .isRefused(let text) = self { text } else { nil } }
        var isGood: Bool { if case .good = self { true } else { false } }
    }

    private func offerFile() async -> FileFinding {
        do {
            let outcome = try await node.offer(roster: try RosterFiles.bytes(path), from: path)
            guard case .refused(let error) = outcome else { return .good }
            return .isRefused("a roster from \(path) was refused: \(error.reason)")
        } catch {
            return Task.isCancelled ? .good : .cannotBeRead("the roster's file cannot be read: \(error)")
        }
    }

    /// Raises what holds now, and ends what held before.
    private func check() {
        let roster = node.rosters.current
        let now = node.clock.seconds
        let obstacle = RosterStanding.obstacle(to: node.region, signingWith: verifier, in: roster, now: now)
        let warning = RosterStanding.warning(for: node.region, signingWith: verifier, in: roster, now: now)
        node.alarms.set(.rosterEnds, RosterWatch.end(of: roster, now: now))
        node.alarms.set(.cannotPublish, obstacle.map { "this node cannot publish: \($0)" })
        node.alarms.set(.keyEnds, obstacle == nil ? warning : nil)
    }

    /// What is to be said of a roster that ends soon, or has ended.
    private static func end(of roster: Roster, now: Int64) -> String? {
        if now >= roster.expires {
            return
                "roster version \(roster.version) has expired, at \(RosterStanding.moment(roster.expires)); this node goes on "
                + "under it, phones do for 14 days: get a newer one from the authorities now"
        }
        guard roster.expires - now < RosterWatch.warning else { return nil }
        return
            "roster version \(roster.version) expires at \(RosterStanding.moment(roster.expires)), in less than 14 days; "
            + "get a newer one from the authorities"
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
