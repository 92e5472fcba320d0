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
        guard roster.region(pushed.feed.region) != nil else {
            return effects.append(.alarm(.unknownRegion(pushed.feed.region, peer: peer)))
        }
        guard let progress = feeds[pushed.feed], !progress.isBlocked,
            let batch = try? Batch(pushed.bytes), batch.number == progress.proven.next
        else { return }
        let received = ReceivedBatch(bytes: pushed.bytes, checkpoint: pushed.checkpoint)
        _ = take([received], of: pushed.feed, from: link, isPush: true, now: now)
    }

    /// Proves batches one after the other and hands the proven ones to the store.
    /// - Returns: how many were proven.
    mutating func take(
        _ received: [ReceivedBatch],
        of feed: FeedID,
        from link: LinkID?,
        isPush: Bool,
        now: Timestamp
    ) -> Int {
        guard var progress = feeds[feed], !progress.isBlocked else { return 0 }
        var proven: [ProvenBatch] = []
        for item in received {
            guard let batch = prove(item, feed: feed, &progress, from: link, now: now) else { break }
            proven.append(batch)
        }
        if !proven.isEmpty {
            let pending = PendingRequest(
                feed: feed,
                link: link,
                deadline: nil,
                stored: progress.proven,
                batches: proven,
                isPush: isPush
            )
            effects.append(.store(newRequest(pending), proven, base: progress.base))
            progress.failures = 0
            progress.missingSince = nil
            progress.base = nil
            if proven.count == received.count { progress.retryAt = nil }
        }
        feeds[feed] = progress
        return proven.count
    }

    private mutating func prove(
        _ item: ReceivedBatch,
        feed: FeedID,
        _ progress: inout FeedProgress,
        from link: LinkID?,
        now: Timestamp
    ) -> ProvenBatch? {
        var tail = progress.proven
        let verified: FeedTail.Verified
        do throws(FormatError) {
            verified = try tail.append(
                [item.bytes[...]],
                checkpoint: item.checkpoint[...],
                keys: roster.keys(of: feed.region) ?? []
            )
        } catch {
            reject(feed, &progress, from: link, error, now: now)
            return nil
        }
        guard let batch = verified.batches.first, let leaf = verified.leaves.first else { return nil }
        do throws(FormatError) {
            _ = try batch.keys()
            _ = try batch.predecessors()
        } catch {
            progress.isBlocked = true
            effects.append(.alarm(.malformedFeed(feed, reason: error.description)))
            return nil
        }
        if Expiry.admission(publishedAt: batch.publication, now: now.interval) == .wait {
            let tolerance = Expiry.futureTolerance - 1
            let due = batch.publication.advanced(by: -tolerance).unixSeconds * 1000
            progress.retryAt = Timestamp(milliseconds: max(due, now.milliseconds + 1000))
            effects.append(.alarm(.batchFromFuture(feed, publication: batch.publication)))
            return nil
        }
        progress.proven = tail
        return ProvenBatch(
            feed: feed,
            number: batch.number,
            publication: batch.publication,
            bytes: item.bytes,
            leaf: leaf,
            checkpoint: item.checkpoint
        )
    }

    /// Bytes that do not verify cost their sender this feed for a while; a frontier that led nowhere is forgotten.
    private mutating func reject(
        _ feed: FeedID,
        _ progress: inout FeedProgress,
        from link: LinkID?,
        _ error: FormatError,
        now: Timestamp
    ) {
        if progress.base != nil {
            progress.base = nil
            progress.proven = progress.durable
        }
        guard let link, let peer = links[link]?.peer else { return }
        links.update(link) { $0.distrusted[feed] = now.advanced(byMilliseconds: settings.distrust) }
        effects.append(.alarm(.rejected(feed, peer: peer, reason: error.description)))
    }

    mutating func finishStore(_ request: RequestID, now: Timestamp) {
        guard let pending = requests[request], let tail = pending.stored else { return }
        requests[request] = nil
        let firstStored = pending.batches.first?.number ?? 0
        feeds.update(pending.feed) { progress in
            if progress.count == 0 { progress.first = firstStored }
            if tail.next > progress.durable.next { progress.durable = tail }
        }
        effects.append(.visible(pending.feed, count: tail.next))
        spread(pending.batches, of: pending.feed, except: pending.link)
        // Whoever was asked does not know that the answer arrived; only who knows what is here pushes what comes next.
        if !pending.isPush, let link = pending.link, links[link] != nil,
            let progress = feeds[pending.feed],
            let advert = Advert(feed: pending.feed, first: progress.first, count: progress.count)
        {
            effects.append(.send(link, .adverts([advert])))
        }
    }

    mutating func failStore(_ request: RequestID, _ reason: String, now: Timestamp) {
        guard let pending = requests[request], pending.stored != nil else { return }
        requests[request] = nil
        feeds.update(pending.feed) { progress in
            progress.proven = progress.durable
            progress.retryAt = now.advanced(byMilliseconds: settings.retryLimit / 2)
            progress.missingSince = now
        }
        effects.append(.alarm(.storeFailed(pending.feed, reason: reason)))
    }

    /// This region's own batches: durable before they come here.
    mutating func takePublished(_ batches: [ProvenBatch]) {
        guard let feed = batches.first?.feed, let last = batches.last else { return }
        var progress = feeds[feed] ?? FeedProgress(new: feed)
        var frontier = progress.durable.frontier
        for batch in batches where batch.number == frontier.size { frontier.append(batch.leaf) }
        guard frontier.size == last.number + 1 else { return }
        progress.durable = FeedTail(feed: feed, frontier: frontier)
        progress.proven = progress.durable
        feeds[feed] = progress
        effects.append(.visible(feed, count: frontier.size))
        spread(batches, of: feed, except: nil)
    }

    /// Pushes batches to those who subscribed and are ready for them, and tells all others.
    private mutating func spread(_ batches: [ProvenBatch], of feed: FeedID, except source: LinkID?) {
        guard let progress = feeds[feed], progress.isLiving,
            let advert = Advert(feed: feed, first: progress.first, count: progress.count)
        else { return }
        for link in links.keys where link != source {
            guard let peer = links[link], peer.peer != nil else { continue }
            var theirs = peer.holds[feed]?.count ?? 0
            if theirs >= advert.count { continue }
            if peer.subscriptions[feed.region] == true {
                for batch in batches where batch.number == theirs {
                    let pushed = LinkFrame.PushedBatch(feed: feed, bytes: batch.bytes, checkpoint: batch.checkpoint)
                    // The advert goes first, so that a receiver who lacks earlier batches knows what to fetch.
                    if batch.number == batches.first?.number { effects.append(.send(link, .adverts([advert]))) }
                    effects.append(.send(link, .batch(pushed)))
                    theirs += 1
                }
                if theirs == advert.count {
                    let reached = theirs
                    links.update(link) { $0.holds[feed] = Advert(feed: feed, first: progress.first, count: reached) }
                    continue
                }
            }
            effects.append(.send(link, .adverts([advert])))
        }
    }
}
