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
                return isOwed(batch, since: witness.view.time) ? .shown(checkpoint.bytes) : .excused
            case .gone where other.node != context.node && contradicting == nil: return .excused
            case .refused where other.node != context.node && contradicting == nil: return .witnessRefuses
            case .gone, .refused, .silent: continue
            }
        }
        return contradicting.map { .otherRoot($0) } ?? .nothing
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

    /// Whether a batch lives and was not from too far ahead when the witness spoke.
    private func isOwed(_ batch: ShownBatch, since time: Int64) -> Bool {
        Expiry.admission(publishedAt: batch.publication, now: Interval(unixSeconds: time)) != .wait
            && !Expiry.isDropped(publishedAt: batch.publication, now: Interval(unixSeconds: asOf))
    }

    func context(of region: RosterRegion) -> FeedSync.Context? {
        guard let transport = others(region.publicEndpoint) else { return nil }
        return context.asking(SyncFetcher(transport: transport, ledger: context.fetcher.ledger))
    }
}
