import ExposureKeys
import FeedFormat
import Replication

/// Processes: their start and end, and carrying out what their replicas want.
extension Simulation {
    /// Starts a node's process over what its disk holds, unless it runs or is to stay down.
    func start(_ index: Int) {
        guard nodes[index].process == nil else { return }
        guard nodes[index].downUntil <= now else { return agenda.add(at: nodes[index].downUntil, .start(node: index)) }
        note(index, "starts, holding \(nodes[index].disk.feeds.count.counted("feed"))")
        nodes[index].generation += 1
        recoverDisk(of: index)
        let roster = nodes[index].disk.roster ?? rosters.first
        reviewDisk(of: index, under: roster.roster)
        checkDisk(of: index)
        checkReaders(at: index)
        let held = nodes[index].disk.heldFeeds
        let replica = Replica(
            region: nodes[index].region,
            roster: roster.roster,
            held: held,
            forks: nodes[index].disk.forks.values,
            settings: options.replication,
            checks: memory.checks
        )
        nodes[index].process = SimulatedNode.Process(replica: replica, roster: roster, record: PublicationRecord())
        rebuildPublished(index)
        for pipe in nodes[index].pipes {
            pipes[pipe].failures = 0
            tryConnecting(pipe, after: ways.draw(0...Plan.second / 5))
        }
        agenda.add(at: now + Plan.second, .housekeeping(node: index, generation: nodes[index].generation))
        planKey(of: index)
        for feed in nodes[index].disk.feeds.keys { reportDamage(of: feed, at: index) }
    }

    /// Ends a node's process. Of what was under way to its disk a first part, perhaps none, is durable.
    /// - Parameter durable: how many transactions of it; nil to draw.
    func crash(_ index: Int, durable: Int? = nil) {
        guard let process = nodes[index].process else { return }
        note(index, "crashes")
        let durable = durable ?? ways.below(process.writes.count + 1)
        if durable < process.writes.count { reach(.lostWrites) }
        if durable > 0 { reach(.unansweredWrites) }
        // What was to be reviewed is at the next start.
        for write in process.writes.prefix(durable) where write.review == nil && !isContested(write, at: index) {
            commit(write, at: index)
        }
        nodes[index].process = nil
        nodes[index].generation += 1
        for pipe in nodes[index].pipes { drop(pipe, at: pipes[pipe].peer(of: index)) }
    }

    /// Every minute of its own: what has come due is published, what has expired is dropped.
    func keepHouse(_ index: Int, _ generation: Int) {
        guard nodes[index].generation == generation else { return }
        if isPaused(index, event: .housekeeping(node: index, generation: generation)) { return }
        agenda.add(at: now + Plan.minute, .housekeeping(node: index, generation: generation))
        checkLoad(of: index)
        signIndexIfDue(index)
        publishDue(index)
        let time = nodes[index].clock(at: now)
        guard nodes[index].process?.replica.clockStanding.mayDrop(at: time) == true else { return }
        let interval = time.interval
        let due = options.planted == .dropsEarly ? interval.advanced(by: Interval.perDay) : interval
        let feeds = nodes[index].disk.feeds
        for position in feeds.values.indices {
            // Almost always nothing has: the oldest tells.
            guard let oldest = feeds.values[position].oldest, Expiry.isDropped(publishedAt: oldest, now: due) else {
                continue
            }
            let feed = feeds.values[position]
            let first = feed.end(ofExpired: due)
            checkDrop(of: feed, below: first, at: index, now: interval)
            nodes[index].disk.feeds.update(feed.feed) { $0.drop(below: first) }
            reach(first == feed.count ? .droppedFeed : .droppedBatches)
            let bytes = nodes[index].disk.feeds[feed.feed]?.bytes ?? 0
            dispatch(.dropped(feed.feed, first: first, bytes: bytes), to: index)
        }
    }

    func wake(_ index: Int, _ generation: Int, _ serial: Int) {
        guard nodes[index].generation == generation, nodes[index].process?.wakes == serial else { return }
        if isPaused(index, event: .wake(node: index, generation: generation, serial: serial)) { return }
        dispatch(.tick, to: index)
    }

    /// Hands one event to a node's replica and carries out what it wants.
    func dispatch(_ event: ReplicaEvent, to index: Int) {
        let time = nodes[index].clock(at: now)
        if options.planted == .storesUnverified { noteReceived(event, at: index) }
        guard let effects = nodes[index].process?.replica.handle(event, now: time, random: &chances[index]) else {
            return
        }
        trace.mix(now)
        trace.mix(UInt64(index) << 32 | UInt64(effects.count))
        for effect in effects { mark(effect) }
        for effect in effects { perform(effect, at: index, clock: time) }
    }

    private func perform(_ effect: ReplicaEffect, at index: Int, clock: Timestamp) {
        switch effect {
        case .send(let link, let frame):
            let frame = mistaken(frame)
            check(frame, from: index)
            for frame in told(frame, by: index, over: link) { send(frame, over: link, from: index) }
        case .close(let link, let reason):
            note(index, "closes a link: \(reason)")
            closeLink(link, by: index)
        case .fetchFrontier(let request, let from, let feed, let size):
            ask(from, .frontier(request, feed, size: size), by: index)
        case .fetchBatches(let request, let from, let feed, let range):
            ask(from, .batches(request, feed, range), by: index)
        case .fetchLeaves(let request, let from, let feed, let range):
            ask(from, .leaves(request, feed, range), by: index)
        case .fetchRoster(let request, let from):
            ask(from, .roster(request), by: index)
        case .store(let request, let batches, let base, let skipped):
            guard let feed = batches.first?.feed else { return violate(.orderly, index, "stores nothing") }
            if !skipped.isEmpty { reach(skipped.count == 1 ? .leftOutOne : .skippedToNewest) }
            write(
                PendingWrite(feed: feed, batches: batches, base: base, skipped: skipped, request: request),
                at: index
            )
        case .extend(let request, let feed, let base, let skipped):
            reach(.extendedDownwards)
            write(PendingWrite(feed: feed, batches: [], base: base, skipped: skipped, request: request), at: index)
        case .readBatches(let link, let feed, let range):
            let held = range.map { nodes[index].disk.feeds[feed]?.batch($0) }.prefix { $0 != nil }.compactMap { $0 }
            let event = ReplicaEvent.batchesRead(link, held)
            let generation = nodes[index].generation
            agenda.add(at: now + 1000, .answer(node: index, generation: generation, event))
        case .wake(let time):
            nodes[index].process?.wakes += 1
            let pause = max(0, time.duration(since: clock)) * 1000
            let serial = nodes[index].process?.wakes ?? 0
            agenda.add(at: now + pause, .wake(node: index, generation: nodes[index].generation, serial: serial))
        case .alarm(let alarm):
            note(index, "alarm: \(alarm)")
            if case .rejected(let feed, _, _) = alarm { storeRefused(feed, at: index) }
        case .endAlarm(let alarm):
            note(index, "alarm is over: \(alarm)")
        case .visible(let feed, let count):
            if count > nodes[index].disk.count(of: feed) {
                violate(.durableBeforeClaimed, index, "shows \(count) of \(feed) before they are stored")
            }
        case .review(let entry):
            write(.review(entry), at: index)
        case .replace(let request, let batches):
            replace(request, batches, at: index)
        case .readTail(let request, let feed, let size):
            readTail(request, feed, from: size, at: index)
        case .keepFork(let proof):
            keep(proof, at: index)
        case .settleFork(let region):
            nodes[index].disk.forks[region] = nil
        case .keepIndex(let kept, let settled):
            nodes[index].process?.keptIndexes[kept.node] = .init(index: kept, settled: settled)
        }
    }

    // MARK: Disks

    /// A transaction is durable some milliseconds after it was asked for; they keep their order.
    func write(_ write: PendingWrite, at index: Int) {
        var write = write
        write.rosterVersion = nodes[index].process?.roster.roster.version
        nodes[index].process?.writes.append(write)
        beHasty(with: write, at: index)
        let delay = chances[index].draw(options.storeDelay)
        agenda.add(at: now + delay, .stored(node: index, generation: nodes[index].generation))
    }

    /// The oldest transaction is done.
    func finishWrite(_ index: Int, _ generation: Int) {
        guard nodes[index].generation == generation, nodes[index].process?.writes.isEmpty == false else { return }
        if isPaused(index, event: .stored(node: index, generation: generation)) { return }
        if let down = nodes[index].tearing { return losePower(index, down: down) }
        guard let write = nodes[index].process?.writes.removeFirst() else { return }
        if let entry = write.review { return review(entry, at: index) }
        let isContested = isContested(write, at: index)
        if nodes[index].fullUntil > now || isContested {
            nodes[index].process?.writer = nil
            nodes[index].process?.failed[write.feed] = true
            loseTail(of: write.feed, at: index)
            checkRoot(write.feed, at: index, isStored: false)
            if let request = write.request {
                dispatch(
                    .storeFailed(request, reason: isContested ? "it is out of sequence" : "the disk is full"),
                    to: index
                )
            }
            return
        }
        commit(write, at: index)
        joinPublished(write.batches, at: index)
        if nodes[index].process?.failed[write.feed] != nil {
            nodes[index].process?.failed[write.feed] = nil
            reach(.storedAfterFailure)
        }
        for batch in write.batches { deliveries?(Delivery(time: now, node: index, batch: batch)) }
        if let request = write.request {
            result.traffic.delivered += write.batches.count
            for batch in write.batches { result.traffic.deliveredBytes += batch.bytes.count }
            let isMistaken = options.planted == .reportsStoredAsFailed
            dispatch(isMistaken ? .storeFailed(request, reason: "") : .stored(request), to: index)
        } else {
            nodes[index].disk.record.acknowledged[write.feed] = nodes[index].disk.count(of: write.feed)
            if let due = write.due { finish(due, at: index) }
            if options.planted == .announcesEarly { return }
            dispatch(.published(write.batches), to: index)
        }
    }

    func commit(_ write: PendingWrite, at index: Int) {
        let write = checked(write, at: index)
        trace.mix(UInt64(write.batches.count))
        if let reason = nodes[index].disk.commit(write) { violate(.orderly, index, reason) }
        checkRoot(write.feed, at: index)
        if write.request == nil { noteSaid(write.batches, at: index) }
        trace.mix(UInt64(index) << 32 | nodes[index].disk.count(of: write.feed))
        note(index, "holds \(nodes[index].disk.count(of: write.feed)) of \(write.feed)")
    }

    func note(_ node: Int?, _ text: @autoclosure () -> String) {
        observer?(Moment(time: now, node: node, text: text()))
    }
}
