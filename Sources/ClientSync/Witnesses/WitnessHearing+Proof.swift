internal import ExposureKeys
internal import FeedFormat

/// What turns a claim into a fact: the region's signature.
extension WitnessHearing {
    enum Proof {
        case shown([UInt8])
        /// The region has signed another root of that size than the witness gives.
        case otherRoot(SignedCheckpoint)
        /// It has signed both.
        case fork(SignedCheckpoint, SignedCheckpoint)
        /// It is the region's, but the node need not have it.
        case excused
        case witnessRefuses
        case nothing
    }

    /// The region's signature over a claim: from what the phone holds, from the node, from the witness itself.
    mutating func proof(of entry: IndexEntry, by witness: Witness) async throws -> Proof {
        if let held = try await heldProof(of: entry) { return .shown(held) }
        guard checksLeft > 0, let region = roster.region(entry.feed.region) else { return .nothing }
        checksLeft -= 1
        // A node that did not show it once is not asked again.
        let node = book.isDisputed(witness.region.id, context.node) ? nil : context
        var contradicting: SignedCheckpoint?
        for other in [node, context(of: witness.region)].compactMap({ $0 }) {
            switch try await ShownBatch.ask(for: entry.feed, at: entry.count, of: region, in: other) {
            case .shown(let batch):
                let checkpoint = batch.checkpoint
                guard entry.rootPrefix.elementsEqual(checkpoint.checkpoint.root.bytes.prefix(16)) else {
                    contradicting = checkpoint
                    continue
                }
                if let contradicting { return .fork(contradicting, checkpoint) }
                guard isTakeable(batch, at: witness.view.time), isAlive(batch) else { return .excused }
                return try await beginning(of: entry, by: witness, of: region, in: other) ?? .shown(checkpoint.bytes)
            case .gone where other.node != context.node && contradicting == nil: return .excused
            case .refused where other.node != context.node && contradicting == nil: return .witnessRefuses
            case .gone, .refused, .silent: continue
            }
        }
        return contradicting.map { .otherRoot($0) } ?? .nothing
    }

    /// Looks at the first batch that the node lacks, if the claim goes further. A node stops at a batch that cannot be
    /// read or comes from far ahead, and owes nothing that follows it.
    /// - Returns: what keeps the node from owing the claim, or from being held to it; nil if nothing does.
    private func beginning(
        of entry: IndexEntry,
        by witness: Witness,
        of region: RosterRegion,
        in other: FeedSync.Context
    ) async throws -> Proof? {
        let listed = own.entries.first { $0.feed == entry.feed }?.count ?? 0
        let first = max(listed, entry.first)
        guard first + 1 < entry.count else { return nil }
        switch try await ShownBatch.ask(for: entry.feed, at: first + 1, of: region, in: other) {
        case .shown(let batch): return isTakeable(batch, at: witness.view.time) ? nil : .excused
        case .gone: return .excused
        case .refused where other.node != context.node: return .witnessRefuses
        case .refused, .silent: return .nothing
        }
    }

    /// The checkpoint at the phone's cursor, if the way there has led over the root that is claimed. A size alone proves
    /// nothing: who claims it may have guessed what the region would publish.
    func heldProof(of entry: IndexEntry) async throws -> [UInt8]? {
        guard let root = roots[entry.feed, entry.count], entry.rootPrefix.elementsEqual(root.bytes.prefix(16)),
            let cursor = FeedPlan.cursor(of: entry.feed, in: judgement.cursors), cursor.size >= entry.count,
            let region = roster.region(entry.feed.region),
            let held = try await context.storage.checkpoint(of: entry.feed, size: cursor.size),
            (try? SignedCheckpoint(held[...], region: region.id, epoch: entry.feed.epoch, keys: region.keys)) != nil
        else { return nil }
        return held
    }

    /// Whether a batch can be read, and was not from too far ahead when the witness spoke.
    private func isTakeable(_ batch: ShownBatch, at time: Int64) -> Bool {
        guard let publication = batch.publication else { return false }
        return Expiry.admission(publishedAt: publication, now: Interval(unixSeconds: time)) != .wait
    }

    private func isAlive(_ batch: ShownBatch) -> Bool {
        guard let publication = batch.publication else { return false }
        return !Expiry.isDropped(publishedAt: publication, now: Interval(unixSeconds: asOf))
    }

    func context(of region: RosterRegion) -> FeedSync.Context? {
        guard let transport = others(region.publicEndpoint) else { return nil }
        return context.asking(SyncFetcher(transport: transport, ledger: context.fetcher.ledger))
    }
}
