internal import ExposureKeys
internal import FeedFormat

/// Where a witness gives another root than the phone knows.
extension WitnessHearing {
    /// Two roots of one size: either the region has signed both, or the witness's word stands against the region's.
    mutating func compareRoots(_ witness: Witness) async throws {
        for (entry, root) in judgement.differing(in: witness.view, from: roots).prefix(WitnessReport.maximumFindings) {
            let held = try await context.storage.checkpoint(of: entry.feed, size: entry.count)
            var shown: SignedCheckpoint?
            if checksLeft > 0, let region = roster.region(entry.feed.region), let other = context(of: witness.region) {
                checksLeft -= 1
                let answer = try await ShownBatch.ask(for: entry.feed, at: entry.count, of: region, in: other)
                if case .shown(let batch) = answer, batch.checkpoint.checkpoint.root != root {
                    shown = batch.checkpoint
                }
            }
            if let shown {
                try await keepFork(entry, of: witness, held: held ?? [], contradicting: shown.bytes)
            } else {
                try await refute(witness, entry, held: held ?? [])
            }
        }
    }

    /// The region's signature contradicts the witness.
    mutating func refute(_ witness: Witness, _ entry: IndexEntry, held: [UInt8]) async throws {
        try await keep(.indexClaim, entry, of: witness, held: held, contradicting: witness.statement.index)
        dismiss(witness.region.id, for: WitnessHearing.distrust)
    }

    private mutating func keep(
        _ kind: Evidence.Kind,
        _ entry: IndexEntry,
        of witness: Witness,
        held: [UInt8],
        contradicting: [UInt8]
    ) async throws {
        let evidence = Evidence(
            kind: kind,
            feed: entry.feed,
            size: entry.count,
            held: held,
            contradicting: contradicting,
            node: witness.region.publicEndpoint,
            found: context.now
        )
        try await context.storage.hold(evidence)
        report.note(
            WitnessFinding(
                kind == .fork ? .fork : .falseClaim,
                feed: entry.feed,
                size: entry.count,
                witness: witness.region.id,
                evidence: evidence,
                SyncError.contradiction(evidence).reason
            )
        )
    }

    /// Keeps two roots of one size that the region has signed.
    mutating func keepFork(
        _ entry: IndexEntry,
        of witness: Witness,
        held: [UInt8],
        contradicting: [UInt8]
    ) async throws {
        try await keep(.fork, entry, of: witness, held: held, contradicting: contradicting)
    }

    /// One witness may lie; several operators that contradict this phone's history mean that it was shown another one.
    mutating func noteOtherHistories(_ evidence: [Evidence]) {
        let claims = evidence.filter { $0.kind == .indexClaim && $0.node != context.node }
        var seen: [FeedID] = []
        for claim in claims where !seen.contains(claim.feed) && judgement.judged(claim.feed.region) != nil {
            seen.append(claim.feed)
            var operators: [String] = []
            for other in claims where other.feed == claim.feed {
                let region = roster.regions.first { $0.publicEndpoint == other.node }
                if let name = region?.operatorName, !operators.contains(name) { operators.append(name) }
            }
            guard operators.count > 1 else { continue }
            report.note(
                WitnessFinding(
                    .anotherHistory,
                    feed: claim.feed,
                    size: claim.size,
                    """
                    feed \(claim.feed): the indexes of \(operators.count.counted("operator")) give other roots than \
                    \(context.node) has shown; sync with other nodes, and tell the region
                    """
                )
            )
        }
    }
}
