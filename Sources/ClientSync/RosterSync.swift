internal import ExposureKeys
internal import FeedFormat

/// Gets and checks rosters, and remembers the newest that verified. A lower version from a node is lag; the same
/// version with other text, or a successor that does not name its predecessor, is refused.
struct RosterSync: Sendable {
    let options: SyncOptions
    let now: Int64
    let fetcher: SyncFetcher
    let storage: any DeviceStorage

    /// The roster to work with: the held one while it is young, else the newest of held and fetched.
    /// - Parameter refresh: ask the node even if the held one is young.
    func current(refresh: Bool) async throws -> Roster {
        let held = try await storage.roster()
        var roster: Roster?
        var heldProblem: FormatError?
        if let held {
            do throws(FormatError) {
                roster = try verified(held.bytes)
            } catch {
                heldProblem = error
            }
        }
        if !refresh, let held, let roster, held.checked <= now, now - held.checked < options.limits.rosterAge {
            return roster
        }
        do {
            return try await fetched(held: held, roster: roster)
        } catch let error as SyncError where error.code != .badRoster && roster != nil {
            // The one held is still valid; a node that cannot give a roster can still give keys.
            if let roster { return roster }
            throw error
        } catch let error as SyncError {
            guard let heldProblem else { throw error }
            throw SyncError(
                error.code,
                "\(error.reason); the one held is no use either: \(heldProblem.reason)",
                cause: error
            )
        }
    }

    private func fetched(held: HeldRoster?, roster: Roster?) async throws -> Roster {
        let etag = roster == nil ? nil : held?.etag
        let response = try await fetcher.get(Route.roster, ifNoneMatch: etag, limit: FormatLimits.rosterBytes)
        if response.status == 304, let held, let roster {
            try await storage.hold(HeldRoster(bytes: held.bytes, etag: held.etag, checked: now))
            return roster
        }
        let new: Roster
        do throws(FormatError) {
            new = try verified(response.body)
        } catch {
            throw SyncError(
                .badRoster,
                "\(fetcher.transport.node): \(error.reason); check the authorities' keys given, or try another node",
                cause: error
            )
        }
        guard let roster, let held else {
            try await storage.hold(HeldRoster(bytes: response.body, etag: response.etag, checked: now))
            return new
        }
        if new.version < roster.version || new.hash == roster.hash {
            let etag = new.version < roster.version ? held.etag : response.etag
            try await storage.hold(HeldRoster(bytes: held.bytes, etag: etag, checked: now))
            return roster
        }
        guard new.version > roster.version, new.version > roster.version + 1 || new.previous == roster.hash else {
            throw SyncError(
                .badRoster,
                """
                \(fetcher.transport.node): roster version \(new.version) does not continue version \(roster.version) \
                held here, though authorities signed both; tell them, and sync with another node
                """
            )
        }
        try await storage.hold(HeldRoster(bytes: response.body, etag: response.etag, checked: now))
        return new
    }

    private func verified(_ bytes: [UInt8]) throws(FormatError) -> Roster {
        try Roster(bytes[...], authorities: options.authorities, now: now)
    }
}
