internal import ExposureKeys
internal import FeedFormat

extension SyncSession {
    /// The node's own index, as it came and as it reads.
    struct ReadIndex: Sendable {
        var body: HeldIndex
        var index: FeedIndex
        var entries: [IndexEntry]

        var view: IndexView { IndexView(node: index.node, time: index.time, entries: entries) }
    }

    /// Asks for the witnesses' indexes, which come as differences of the node's own: where it has signed anew since,
    /// that is read again, once.
    func gather(
        with indexes: IndexSync,
        roster held: inout RosterInUse,
        read: inout ReadIndex,
        for witnesses: inout WitnessSync
    ) async throws {
        if try await witnesses.gather(own: read.index, roster: held.roster) { return }
        guard case .index(let body) = try await indexes.fetch(anew: true) else { return }
        read = try await readIndex(body, with: indexes, roster: &held)
        _ = try await witnesses.gather(own: read.index, roster: held.roster)
    }

    /// The sizes of which witnesses have given roots.
    func interest(of witnesses: WitnessSync?, roster: Roster) -> SizesOfInterest {
        guard let witnesses else { return SizesOfInterest() }
        let statements = witnesses.book.voices.compactMap(\.statement) + witnesses.book.disputes.map(\.claim)
        let kept = statements.compactMap { try? $0.read(roster: roster) }
        return SizesOfInterest(kept + witnesses.heard.map(\.view))
    }

    /// Judges the node, and keeps what was heard.
    func judge(
        _ read: ReadIndex,
        by witnesses: inout WitnessSync,
        roster held: inout RosterInUse,
        context: FeedSync.Context,
        feeds: [FeedReport]
    ) async throws -> WitnessReport {
        let before = try await storage.witnessBook()
        var hearing = try await hearing(read, witnesses, roster: held.roster, context: context, feeds: feeds)
        if hearing.hasClaims, try await held.renew() {
            hearing = try await self.hearing(read, witnesses, roster: held.roster, context: context, feeds: feeds)
        }
        try await hearing.run()
        witnesses.book = hearing.book
        if witnesses.book != before { try await storage.hold(witnesses.book) }
        return standing(
            by: witnesses,
            roster: held.roster,
            node: read.index.node,
            time: read.index.time,
            hearing.report
        )
    }

    /// How many witnesses there are, and whether the node's index counts.
    func standing(
        by witnesses: WitnessSync,
        roster: Roster,
        node: Region,
        time: Int64,
        _ findings: WitnessReport? = nil
    ) -> WitnessReport {
        var report = findings ?? WitnessReport(wanted: options.witnesses)
        report.present = witnesses.present(roster: roster, node: node)
        if !witnesses.isFresh(time) {
            report.note(
                WitnessFinding(
                    .stale,
                    """
                    \(transport.node) signed its index at \(TimeText.utc(time)), more than two publication slots ago: it may \
                    be cut off, or this clock wrong; sync with another node
                    """
                )
            )
        }
        return report
    }

    private func hearing(
        _ read: ReadIndex,
        _ witnesses: WitnessSync,
        roster: Roster,
        context: FeedSync.Context,
        feeds: [FeedReport]
    ) async throws -> WitnessHearing {
        let cursors = try await storage.cursors()
        let forks = try await storage.evidence().filter { $0.kind == .fork && !$0.isSettled(by: roster) }
        let judgement = WitnessJudgement(
            roster: roster,
            options: options,
            cursors: cursors,
            frozen: forks.map(\.feed.region)
        )
        let settled = try await storage.settledPart(read.index.settledHash) ?? []
        return WitnessHearing(
            roster: roster,
            context: context,
            own: IndexStatement(index: read.index.bytes, settled: settled),
            view: read.view,
            witnesses: witnesses,
            judgement: judgement,
            roots: try await knownRoots(witnesses, judgement, feeds: feeds),
            others: others
        )
    }

    /// The roots that the phone has at sizes of which witnesses speak: at its cursors, at checkpoints that it keeps, and
    /// at sizes that this sync has passed.
    private func knownRoots(
        _ witnesses: WitnessSync,
        _ judgement: WitnessJudgement,
        feeds: [FeedReport]
    ) async throws -> KnownRoots {
        var roots = feeds.flatMap(\.roots)
        roots += judgement.cursors.map { KnownRoot(feed: $0.feed, size: $0.size, root: $0.frontier.root) }
        let statements = witnesses.book.voices.compactMap(\.statement) + witnesses.book.disputes.map(\.claim)
        let views = statements.compactMap { try? $0.read(roster: judgement.roster) } + witnesses.heard.map(\.view)
        for entry in views.flatMap(\.entries) {
            guard let cursor = FeedPlan.cursor(of: entry.feed, in: judgement.cursors), entry.count < cursor.size,
                let region = judgement.judged(entry.feed.region),
                let held = try await storage.checkpoint(of: entry.feed, size: entry.count),
                let signed = try? SignedCheckpoint(
                    held[...],
                    region: region.id,
                    epoch: entry.feed.epoch,
                    keys: region.keys
                )
            else { continue }
            roots.append(KnownRoot(feed: entry.feed, size: entry.count, root: signed.checkpoint.root))
        }
        return KnownRoots(roots)
    }
}
