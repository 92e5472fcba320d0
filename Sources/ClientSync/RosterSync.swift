internal import FeedFormat

/// Gets and checks rosters, and remembers the newest that verified. A node with an older one lags; one that does not
/// follow the roster held (docs/FEED-FORMAT.md, "Roster") is refused.
struct RosterSync: Sendable {
    let options: SyncOptions
    let now: Int64
    let fetcher: SyncFetcher
    let storage: any DeviceStorage

    /// The roster to work with: the held one while it is young, else the newest of held and fetched.
    /// - Parameter refresh: ask the node even if the held one is young.
    /// - Returns: the roster, and whether the node was asked.
    func current(refresh: Bool) async throws -> (roster: Roster, isAsked: Bool) {
        let held = try await storage.roster()
        var signed: SignedRoster?
        var heldProblem: FormatError?
        if let held {
            do throws(FormatError) {
                signed = try SignedRoster(held.bytes, authorities: options.authorities)
            } catch {
                heldProblem = error
            }
        }
        if !refresh, let held, let signed, now < signed.roster.expires,
            held.checked <= now, now - held.checked < options.limits.rosterAge
        {
            return (signed.roster, false)
        }
        do {
            let roster = try await fetched(held: held, signed: signed)
            try check(roster)
            return (roster, true)
        } catch let error as SyncError where error.code != .badRoster && signed != nil {
            // A node that cannot give a roster can still give keys.
            guard let signed else { throw error }
            try check(signed.roster)
            return (signed.roster, true)
        } catch let error as SyncError {
            guard let heldProblem else { throw error }
            throw SyncError(
                error.code,
                "\(error.reason); the one held is no use either: \(heldProblem.reason)",
                cause: error
            )
        }
    }

    /// What is wrong with a roster that is used all the same; nil if nothing is.
    func problem(with roster: Roster) -> SyncError? {
        guard now >= roster.expires else { return nil }
        return SyncError(
            .rosterExpired,
            """
            roster version \(roster.version) expired at \(TimeText.utc(roster.expires)), and \(fetcher.transport.node) has \
            none that is newer; it serves for \(options.limits.rosterGrace / 86_400) days from then; try another node
            """
        )
    }

    /// An expired roster serves a while longer: to stop at once would let those who sign late, or who hold back a newer
    /// roster, switch off every phone; to go on for good would let them keep a closed key alive.
    private func check(_ roster: Roster) throws {
        let age = now.subtractingReportingOverflow(roster.expires)
        guard !age.overflow, age.partialValue < options.limits.rosterGrace else {
            throw SyncError(
                .badRoster,
                """
                roster version \(roster.version) expired at \(TimeText.utc(roster.expires)), too long ago, and \
                \(fetcher.transport.node) has none that is newer; try another node, and check this clock
                """
            )
        }
    }

    private func fetched(held: HeldRoster?, signed: SignedRoster?) async throws -> Roster {
        let etag = signed == nil ? nil : held?.etag
        let response = try await fetcher.get(Route.roster, ifNoneMatch: etag, limit: FormatLimits.rosterBytes)
        if response.status == 304, let held, let signed {
            try await storage.hold(HeldRoster(bytes: held.bytes, etag: held.etag, checked: now))
            return signed.roster
        }
        let (new, isTaken) = try judged(response.body, after: signed)
        if isTaken { return try await keep(new, etag: response.etag) }
        guard let held, let signed else { return new.roster }
        return try await keep(signed, etag: new.roster.version < signed.roster.version ? held.etag : response.etag)
    }

    private func judged(
        _ bytes: [UInt8],
        after held: SignedRoster?
    ) throws(SyncError) -> (roster: SignedRoster, isTaken: Bool) {
        do throws(FormatError) {
            let new = try SignedRoster(bytes, authorities: options.authorities)
            if let held { return (new, try held.isFollowed(by: new, now: now)) }
            try new.roster.checkExpiry(now: now)
            return (new, true)
        } catch {
            throw SyncError(
                .badRoster,
                "\(fetcher.transport.node): \(error.reason); check the authorities' keys given, or try another node",
                cause: error
            )
        }
    }

    private func keep(_ roster: SignedRoster, etag: String?) async throws -> Roster {
        try await storage.hold(HeldRoster(bytes: roster.bytes, etag: etag, checked: now))
        return roster.roster
    }
}
