public import FeedFormat

/// A batch that the store holds no more as it was, and how to tell it again.
public struct DamagedBatch: Equatable, Sendable {
    public let number: UInt64
    public let leaf: Hash256
    /// Merkle root at `number + 1`, which its checkpoint must state.
    public let root: Hash256

    public init(number: UInt64, leaf: Hash256, root: Hash256) {
        self.number = number
        self.leaf = leaf
        self.root = root
    }
}

/// The damaged batches of one feed.
struct FeedRepair: Sendable {
    /// Those still to come, by number.
    var wanted = SortedMap<UInt64, DamagedBatch>()
    /// The fetch or the store under way, if any.
    var request: RequestID?
    /// No fetch before this time.
    var retryAt: Timestamp?
}

/// A replacement that the store is making.
struct PendingReplacement: Sendable {
    let feed: FeedID
    let numbers: [UInt64]
}

/// Fetching again what the disk has lost. The feed itself goes on meanwhile: its tail does not depend on it.
extension Replica {
    mutating func takeDamaged(_ feed: FeedID, _ batches: [DamagedBatch]) {
        guard let progress = feeds[feed] else { return }
        var repair = repairs[feed] ?? FeedRepair()
        for batch in batches where progress.first <= batch.number && batch.number < progress.count {
            repair.wanted[batch.number] = batch
        }
        guard !repair.wanted.isEmpty else { return }
        repairs[feed] = repair
        touched.append(feed)
    }

    /// Starts the next fetch of a feed's damaged batches, if there is anyone to ask.
    mutating func attendToRepair(of feed: FeedID, now: Timestamp) {
        guard var repair = repairs[feed], repair.request == nil, !isUnderReview(feed.region) else { return }
        guard let number = repair.wanted.keys.first else { return repairs[feed] = nil }
        if let retryAt = repair.retryAt, now < retryAt { return }
        repair.retryAt = nil
        if let source = repairSource(for: feed, number, now: now), let peer = links[source]?.peer {
            var end = number + 1
            while repair.wanted[end] != nil, end - number < settings.batchesPerFetch { end += 1 }
            let request = newRequest()
            let deadline = now.advanced(byMilliseconds: settings.fetchDeadline)
            fetches[request] = PendingFetch(feed: feed, link: source, start: number, deadline: deadline, isRepair: true)
            repair.request = request
            effects.append(.fetchBatches(request, from: peer, feed, number..<end))
        } else {
            repair.retryAt = now.advanced(byMilliseconds: settings.repairPause)
        }
        repairs[feed] = repair
    }

    /// The link to ask: the one with the fewest failures of those that say they hold the batch or, as whoever fetches
    /// from here says nothing back, were told of it; the oldest of these.
    private func repairSource(for feed: FeedID, _ number: UInt64, now: Timestamp) -> LinkID? {
        var best: (link: LinkID, failures: Int)?
        for (id, link) in zip(links.keys, links.values) {
            let advert = link.holds[feed]
            let says = advert.map { $0.first <= number && number < $0.count } ?? false
            guard link.peer != nil, says || number < link.told[feed] ?? 0 else { continue }
            let failures = link.failures[feed]
            if let failures, now < failures.until { continue }
            if let best, best.failures <= failures?.count ?? 0 { continue }
            best = (id, failures?.count ?? 0)
        }
        return best?.link
    }

    mutating func finishRepairFetch(
        _ fetch: PendingFetch,
        _ received: [ReceivedBatch],
        now: Timestamp,
        random: inout some RandomNumberGenerator
    ) {
        guard var repair = repairs[fetch.feed] else { return }
        if received.isEmpty { return avoid(fetch, now: now, random: &random) }
        var batches: [ProvenBatch] = []
        for (offset, item) in received.enumerated() {
            // Dropped meanwhile, or more than was asked for.
            guard let wanted = repair.wanted[fetch.start + UInt64(offset)] else { break }
            do throws(FormatError) {
                batches.append(try prove(item, is: wanted, of: fetch.feed))
            } catch {
                if let signed = signedByRegion(item.checkpoint, of: fetch.feed),
                    signed.checkpoint.size == wanted.number + 1, signed.checkpoint.root != wanted.root
                {
                    suspect(signed, of: fetch.feed, from: fetch.link, error, now: now)
                } else {
                    reject(fetch.feed, from: fetch.link, error, now: now)
                }
                break
            }
        }
        guard !batches.isEmpty else { return }
        let request = newRequest()
        repair.request = request
        repairs[fetch.feed] = repair
        replacements[request] = PendingReplacement(feed: fetch.feed, numbers: batches.map(\.number))
        effects.append(.replace(request, batches))
    }

    /// - Throws: why the bytes are not those of the damaged batch.
    private func prove(
        _ item: ReceivedBatch,
        is wanted: DamagedBatch,
        of feed: FeedID
    ) throws(FormatError) -> ProvenBatch {
        let keys = checkpointKeys(of: feed)
        let signed = try SignedCheckpoint(item.checkpoint[...], region: feed.region, epoch: feed.epoch, keys: keys)
        guard Hash256(leaf: item.bytes[...]) == wanted.leaf, signed.checkpoint.root == wanted.root else {
            throw FormatError(.rootMismatch, "\(feed): batch \(wanted.number) is not the one that was held here")
        }
        guard signed.checkpoint.size == wanted.number + 1 else {
            throw FormatError(.wrongPosition, "\(feed): batch \(wanted.number) came with another checkpoint")
        }
        return ProvenBatch(
            feed: feed,
            number: wanted.number,
            publication: try Batch(item.bytes).publication,
            bytes: item.bytes,
            leaf: wanted.leaf,
            checkpoint: item.checkpoint
        )
    }

    /// - Returns: false if the request was none of a repair.
    mutating func finishReplacement(_ request: RequestID, isStored: Bool, now: Timestamp) -> Bool {
        guard let replacement = replacements[request] else { return false }
        replacements[request] = nil
        touched.append(replacement.feed)
        repairs.update(replacement.feed) { repair in
            repair.request = nil
            if isStored {
                for number in replacement.numbers { repair.wanted[number] = nil }
            } else {
                repair.retryAt = now.advanced(byMilliseconds: settings.storePause)
            }
        }
        return true
    }

    /// What has been dropped need not come back.
    mutating func forgetRepairs(of feed: FeedID, below first: UInt64) {
        repairs.update(feed) { repair in
            for number in repair.wanted.keys where number < first { repair.wanted[number] = nil }
        }
    }

    /// Feeds whose pause before another attempt has ended.
    func dueRepairs(now: Timestamp) -> [FeedID] {
        zip(repairs.keys, repairs.values).filter { $1.retryAt.map { $0 <= now } ?? false }.map(\.0)
    }
}
