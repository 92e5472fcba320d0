import ExposureKeys
import FeedFormat

/// Proving what arrives, storing it, and passing it on.
extension Replica {
    /// A batch that came unasked. Out of its turn it is not kept: what is missing will be fetched.
    mutating func takePushed(
        _ pushed: LinkFrame.PushedBatch,
        from link: LinkID,
        peer: Region,
        now: Timestamp
    ) {
        let feed = pushed.feed
        guard roster.position(of: feed.region) != nil else {
            return effects.append(.alarm(.unknownRegion(feed.region, peer: peer)))
        }
        takeAnswer(pushed, from: link, now: now)
        guard links[link]?.isDistrusted(for: feed, now: now) == false else { return }
        // What cannot be read may be what the region signed: fetched by number, it is judged.
        let number = (try? Batch(pushed.bytes))?.number
        guard noteHolder(link, of: number ?? feeds[feed]?.proven.next ?? 0, feed, peer: peer, now: now),
            let progress = feeds[feed], !progress.isBlocked, !isFrozen(feed),
            progress.base?.link == nil || progress.base?.link == link,
            progress.waiting.count < settings.batchesPerFetch, let number, number == progress.proven.next
        else { return }
        let received = ReceivedBatch(bytes: pushed.bytes, checkpoint: pushed.checkpoint)
        touched.append(feed)
        let isTaken = take([received], of: feed, from: link, now: now).taken == 1
        if isTaken {
            refund(link, links[link]?.frameUnits ?? 0)
        } else {
            charge(link, .signatures(1), .readBytes(pushed.bytes.count), now: now)
        }
        let isPulled = finishPull(of: feed, from: link, isTaken: isTaken)
        guard isTaken else { return }
        // Its sender counts it as held here, and may have more under way.
        links.update(link) { $0.told[feed] = number + 1 }
        feeds.update(feed) { $0.pushDue = now.advanced(byMilliseconds: settings.pushGrace) }
        learn(feed, from: link, isPushed: !isPulled, now: now)
    }

    /// Proves batches one after the other and hands the proven ones to the store.
    mutating func take(
        _ received: some Sequence<ReceivedBatch>,
        of feed: FeedID,
        from link: LinkID,
        now: Timestamp
    ) -> Taken {
        guard var progress = feeds[feed], !progress.isBlocked, !isUnderReview(feed.region), !isFrozen(feed) else {
            return Taken()
        }
        if isOverQuota(feed.region) {
            holdBack(feed)
            return Taken()
        }
        if progress.mayBegin, livingEpochs(of: feed.region) >= FormatLimits.epochsPerRegion { return Taken() }
        var taken = Taken()
        loop: for item in received {
            switch prove(item, of: feed, after: progress, now: now) {
            case .proven(let batch, let tail):
                progress.proven = tail
                progress.waiting.append(batch)
                if taken.taken == 0, let skipped = progress.base?.skipped, let giver = progress.base?.link {
                    refund(giver, Charge.hashes(skipped.leaves.count).units)
                }
                progress.retryAt = nil
                taken.taken += 1
            case .ahead(let publication, let due):
                effects.append(.alarm(.batchFromFuture(feed, publication: publication)))
                if taken.taken == 0, progress.base?.skipped != nil {
                    // Nothing proves the hashes of what was left out, which may be good and is not to wait.
                    progress.unusableProofs.addAhead(progress.proven.next, until: due)
                    taken.hasProvenNothing = true
                } else {
                    progress.retryAt = due
                }
                // There may be others in front of it, which can be taken sooner.
                if taken.taken == 0 { progress.forgetBase() }
                for id in links.keys { links.update(id) { $0.aims[feed] = nil } }
                break loop
            case .malformed where taken.taken == 0 && progress.base?.skipped != nil:
                progress.unusableProofs.addMalformed(progress.proven.next)
                taken.hasProvenNothing = true
                progress.forgetBase()
                break loop
            case .malformed(let error):
                progress.isBlocked = true
                effects.append(.alarm(.malformedFeed(feed, reason: error.description)))
                break loop
            case .closed:
                taken.isRejected = true
                passOver(link, for: feed, now: now)
                break loop
            case .unproven(let error):
                let signed = error.code == .rootMismatch ? contradiction(item, of: feed, after: progress) : nil
                if taken.taken == 0 { progress.forgetBase() }
                taken.isRejected = true
                if mayKnowMore(link) {
                    passOver(link, for: feed, now: now)
                } else if let signed {
                    suspect(signed, of: feed, from: link, error, now: now)
                } else {
                    reject(feed, from: link, error, now: now)
                }
                break loop
            }
        }
        feeds[feed] = progress
        storeWaiting(of: feed)
        return taken
    }

    /// What came of bytes that arrived.
    struct Taken {
        /// Batches proven.
        var taken = 0
        /// The bytes after those did not verify.
        var isRejected = false
        /// They were to prove hashes, and are signed but cannot be stored.
        var hasProvenNothing = false
    }

    private enum Proof {
        case proven(ProvenBatch, FeedTail)
        /// Signed, but further ahead of the clock than is admitted.
        case ahead(publication: Interval, due: Timestamp)
        /// Signed, but nothing that may stand in a feed.
        case malformed(FormatError)
        /// What does not count, since only a closed key has signed it.
        case closed
        /// Not what the region signed.
        case unproven(FormatError)
    }

    private func prove(_ item: ReceivedBatch, of feed: FeedID, after progress: FeedProgress, now: Timestamp) -> Proof {
        let proven = progress.proven
        var tail = proven
        let keys = checkpointKeys(of: feed)
        if standing(of: feed) != nil, progress.leaves?.contains(item.bytes[...], at: proven.next) != true {
            return .closed
        }
        let verified: FeedTail.Verified
        do throws(FormatError) {
            verified = try tail.append([item.bytes[...]], checkpoint: item.checkpoint[...], keys: keys, checks: checks)
        } catch {
            if roster.region(feed.region)?.isClosed(item.checkpoint[...], of: feed.epoch) == true { return .closed }
            return isSigned(item, of: feed, after: proven, keys: keys) ? .malformed(error) : .unproven(error)
        }
        guard let batch = verified.batches.first, let leaf = verified.leaves.first else {
            return .unproven(FormatError(.truncated, "\(feed): no batch came"))
        }
        do throws(FormatError) {
            try checks.content(batch, leaf)
        } catch {
            return .malformed(error)
        }
        if Expiry.admission(publishedAt: batch.publication, now: now.interval) == .wait {
            let admitted = batch.publication.advanced(by: 1 - Expiry.futureTolerance)
            // Looked at again before that: this node's clock may be the wrong one, and be set right.
            let pause = min(max(admitted.unixSeconds * 1000 - now.milliseconds, 1000), settings.futurePause)
            let due = now.advanced(byMilliseconds: pause)
            return .ahead(publication: batch.publication, due: due)
        }
        let result = ProvenBatch(
            feed: feed,
            number: batch.number,
            publication: batch.publication,
            bytes: item.bytes,
            leaf: leaf,
            checkpoint: item.checkpoint
        )
        return .proven(result, tail)
    }

    /// Whether the region itself signed these bytes at this place, so that whoever passed them on is not to blame.
    private func isSigned(
        _ item: ReceivedBatch,
        of feed: FeedID,
        after proven: FeedTail,
        keys: [RosterRegion.Key]
    ) -> Bool {
        let note = try? SignedCheckpoint(item.checkpoint[...], region: feed.region, epoch: feed.epoch, keys: keys)
        guard let checkpoint = note?.checkpoint else { return false }
        var frontier = proven.frontier
        frontier.append(Hash256(leaf: item.bytes[...]))
        return checkpoint.size == frontier.size && checkpoint.root == frontier.root
    }

    mutating func reject(_ feed: FeedID, from link: LinkID, _ error: FormatError, now: Timestamp) {
        guard let peer = links[link]?.peer else { return }
        offend(link, now: now)
        distrust(link, for: feed, now: now)
        effects.append(.alarm(.rejected(feed, peer: peer, reason: error.description)))
    }

    /// Hands over what is proven, unless a store is still under way.
    private mutating func storeWaiting(of feed: FeedID) {
        guard var progress = feeds[feed], progress.store == nil, !progress.waiting.isEmpty else { return }
        let request = newRequest()
        let store = PendingStore(
            feed: feed,
            batches: progress.waiting,
            tail: progress.proven,
            begin: progress.base?.begin,
            skipped: progress.base?.skipped
        )
        stores[request] = store
        let skipped = store.skipped?.leaves ?? []
        effects.append(.store(request, store.batches, base: store.begin, skipped: skipped))
        progress.store = request
        progress.waiting = []
        progress.base = nil
        feeds[feed] = progress
    }

    mutating func finishStore(_ request: RequestID, now: Timestamp) {
        guard let store = stores[request] else { return }
        let feed = store.feed
        stores[request] = nil
        feeds.update(feed) { progress in
            progress.store = nil
            if let begin = store.begin {
                // Where it begins anew, what was dropped before is not to return.
                if begin.size >= progress.count { progress.floor = max(progress.floor, progress.count) }
                (progress.begin, progress.first) = (begin, begin.size)
            }
            if store.batches.isEmpty { return }
            progress.durable = store.tail
            if progress.leaves?.standing.size == store.tail.next { progress.leaves = nil }
        }
        touched.append(feed)
        want(store.skipped?.batches() ?? [], of: feed, isGap: true)
        count(store.batches, of: feed)
        if !store.batches.isEmpty {
            effects.append(.visible(feed, count: store.tail.next))
            spread(store.batches, of: feed, now: now)
        }
        storeWaiting(of: feed)
    }

    mutating func failStore(_ request: RequestID, _ reason: String, now: Timestamp) {
        guard let feed = stores[request]?.feed else { return }
        stores[request] = nil
        feeds.update(feed) { progress in
            progress.store = nil
            progress.waiting = []
            progress.proven = progress.durable
            // What came before a malformed batch is to come again.
            progress.isBlocked = false
            progress.leaves = nil
            progress.retryAt = now.advanced(byMilliseconds: settings.storePause)
        }
        touched.append(feed)
        effects.append(.alarm(.storeFailed(feed, reason: reason)))
    }

    /// This region's own batches: durable before they come here.
    mutating func takePublished(_ batches: [ProvenBatch], now: Timestamp) {
        guard let feed = batches.first?.feed, let last = batches.last else { return }
        var progress = feeds[feed] ?? FeedProgress(new: feed)
        var frontier = progress.durable.frontier
        for batch in batches where batch.number == frontier.size { frontier.append(batch.leaf) }
        guard frontier.size == last.number + 1 else { return }
        progress.durable = FeedTail(feed: feed, frontier: frontier)
        progress.proven = progress.durable
        feeds[feed] = progress
        touched.append(feed)
        effects.append(.visible(feed, count: frontier.size))
        spread(batches, of: feed, now: now)
    }

    /// The store no longer has what lies below `first`: all are told, or those behind would go on asking for it, also
    /// those to whom it was pushed, who may have failed to store it. An epoch that was held back may begin.
    mutating func takeDropped(_ feed: FeedID, first: UInt64, bytes: UInt64) {
        feeds.update(feed) { progress in
            progress.first = max(progress.first, min(first, progress.count))
            progress.bytes = bytes
        }
        releaseQuota(of: feed.region)
        forgetRepairs(of: feed, below: first)
        guard let progress = feeds[feed] else { return }
        advertiseSoon(feed)
        guard !progress.isLiving else { return }
        let range = feeds.positions(of: feed.region)
        touched.append(contentsOf: feeds.keys[range])
    }

    /// Epochs of a region of which batches are held or about to be.
    func livingEpochs(of region: Region) -> Int {
        feeds.values[feeds.positions(of: region)].reduce(0) { $0 + ($1.mayBegin ? 0 : 1) }
    }
}

extension SortedMap where Key == FeedID {
    /// Where the feeds of a region stand.
    func positions(of region: Region) -> Range<Int> {
        positions(
            from: FeedID(region: region, epoch: Epoch(.min)),
            through: FeedID(region: region, epoch: Epoch(.max))
        )
    }
}
