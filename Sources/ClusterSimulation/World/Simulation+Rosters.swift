import ExposureKeys
import FeedFormat
import Replication

/// Rosters that change: the authorities sign one, operators hand it to a few nodes, and the nodes' replicas bring it to
/// all others.
extension Simulation {
    /// Seconds for which a key that is replaced goes on counting for what is signed.
    private static let overlap: Int64 = 7 * 86_400
    /// Seconds for which it stays listed after that, as batches under it may be kept.
    private static let keyListing: Int64 = 16 * 86_400

    func changeRoster(_ change: RosterChange, of node: Int, to given: NodeSet) {
        let issued = (Simulation.startUnix + now / 1000) / 1000
        let number = signers[node].count
        guard let entry = rosters.newest.roster.region(nodes[node].region),
            let signer = Simulation.signer(of: entry.id, node, number: number),
            let changed = changed(entry, by: change, of: node, key: signer.verifier, issued),
            rosters.add(changed, issued: issued)
        else { return note(nil, "\(nodes[node].region) has no room for another key") }
        signers[node].append(signer)
        let version = rosters.newest.roster.version
        note(nil, "the authorities sign roster version \(version): \(change.rawValue) of \(entry.id)")
        let running = nodes.indices.prefix(options.nodes).filter { nodes[$0].process != nil }
        let chosen = running.filter { given.contains($0) }
        for index in chosen.isEmpty ? Array(running.prefix(1)) : chosen {
            agenda.add(at: now + ways.draw(Plan.second...30 * Plan.second), .rosterGiven(node: index, version: version))
        }
    }

    /// - Returns: nil if the region has had too many keys for it.
    private func changed(
        _ entry: RosterRegion,
        by change: RosterChange,
        of node: Int,
        key: NoteVerifier,
        _ issued: Int64
    ) -> RosterRegion? {
        let next = RosterRegion.Key(verifier: key, notBefore: issued, notAfter: Simulation.rosterEnd)
        let listed = entry.keys.filter { $0.notAfter + Simulation.keyListing > issued }
        switch change {
        case .rotation:
            let former = listed.map { key in
                let end = max(key.notBefore + 1, min(key.notAfter, issued + Simulation.overlap))
                return RosterRegion.Key(verifier: key.verifier, notBefore: key.notBefore, notAfter: end)
            }
            return entry.with(keys: former + [next], closures: entry.closures, successor: nil)
        case .closure:
            let standing = standing(of: node, beside: entry)
            let closures = listed.reversed().enumerated().compactMap { place, key in
                RosterRegion.Closure(key: key.verifier, standing: place == 0 ? standing : [])
            }
            return entry.with(keys: [next], closures: entry.closures + closures, successor: nil)
        }
    }

    /// What a region's operator can vouch for, as his node's disk has it: not what a thief has signed.
    private func standing(of node: Int, beside entry: RosterRegion) -> [RosterRegion.Closure.Standing] {
        let room = FormatLimits.epochsPerRegion - entry.closures.reduce(0) { $0 + $1.standing.count }
        let own = nodes[node].disk.feeds.values.filter { stored in
            stored.feed.region == entry.id && stored.isLiving && entry.standing(of: stored.feed.epoch) == nil
        }
        let standing = own.compactMap { stored -> RosterRegion.Closure.Standing? in
            let size = truth.vouched(of: stored.feed) { stored.frontier(at: $0) }
            guard size > 0, let frontier = stored.frontier(at: size) else { return nil }
            return .init(epoch: stored.feed.epoch, size: size, root: frontier.root)
        }
        return Array(standing.suffix(max(0, room)))
    }

    // MARK: Nodes

    /// The roster with which a node works, or would if it ran.
    func roster(of index: Int) -> Roster {
        (nodes[index].process?.roster ?? nodes[index].disk.roster ?? rosters.first).roster
    }

    /// An operator hands a roster to a node, as soon as that runs.
    func giveRoster(_ version: UInt64, to index: Int) {
        let event = WorldEvent.rosterGiven(node: index, version: version)
        guard nodes[index].process != nil else { return agenda.add(at: now + Plan.minute, event) }
        guard !isPaused(index, event: event), let bytes = rosters.bytes(of: version) else { return }
        if let taken = offer(bytes, to: index) { dispatch(.rosterChanged(taken), to: index) }
    }

    /// Whoever had the newest roster may have lost it with its disk before others had it; and the older release does not
    /// speak of rosters, so that where it runs operators must.
    func handOverNewestRoster() {
        guard rosters.hasChanged else { return }
        let running = nodes.indices.filter { nodes[$0].home == $0 && nodes[$0].process != nil }
        for index in running {
            let isCutOff = ([index] + nodes[index].pipes.map { pipes[$0].peer(of: index) }).contains {
                nodes[$0].release == .older
            }
            if isCutOff || index == running.first { giveRoster(rosters.newest.roster.version, to: index) }
        }
    }

    func takeRoster(_ bytes: [UInt8]?, _ request: RequestID, _ index: Int, _ generation: Int) {
        guard nodes[index].generation == generation else { return }
        let event = WorldEvent.rosterArrives(node: index, generation: generation, request, bytes)
        if isPaused(index, event: event) { return }
        let taken = bytes.flatMap { offer($0, to: index) }
        if taken != nil { reach(.fetchedRoster) }
        dispatch(.rosterFetched(request, taken), to: index)
    }

    /// Takes a roster if it follows the one at hand, as a node's shell does: whoever it comes from, it is verified.
    /// - Returns: nil if it was not taken.
    private func offer(_ bytes: [UInt8], to index: Int) -> Roster? {
        guard let held = nodes[index].process?.roster, bytes != held.bytes else { return nil }
        let seconds = nodes[index].clock(at: now).milliseconds / 1000
        do throws(FormatError) {
            let new = try SignedRoster(bytes, authorities: rosters.authorities)
            guard try held.isFollowed(by: new, now: seconds) else { return nil }
            if options.planted != .forgetsRosters { nodes[index].disk.roster = new }
            nodes[index].process?.roster = new
            note(index, "has roster version \(new.roster.version)")
            planKey(of: index)
            return new.roster
        } catch {
            reach(.refusedRoster)
            return nil
        }
    }

    // MARK: Keys

    /// The operator gives a node the key that its roster lists, some minutes later.
    func planKey(of index: Int) {
        guard nodes[index].home == index, let key = roster(of: index).region(nodes[index].region)?.keys.last,
            let number = signers[index].firstIndex(where: { $0.verifier == key.verifier }),
            number > nodes[index].keyNumber
        else { return }
        let delay = chances[index].draw(10 * Plan.second...5 * Plan.minute)
        agenda.add(at: now + delay, .keyGiven(node: index, number: number))
    }

    func giveKey(_ number: Int, to index: Int) {
        guard number > nodes[index].keyNumber else { return }
        note(index, "is given key \(number) of its region")
        reach(.changedKey)
        crash(index, durable: nodes[index].process?.writes.count)
        nodes[index].use(signers[index][number], number: number)
        nodes[index].downUntil = max(nodes[index].downUntil, now + chances[index].draw(Plan.second...5 * Plan.second))
        agenda.add(at: nodes[index].downUntil, .start(node: index))
    }

    /// As a node: not with a key that does not count, nor while its region's key is known to have signed two histories. A
    /// thief does not ask.
    func maySign(_ index: Int) -> Bool {
        guard !nodes[index].isThief else { return true }
        guard let process = nodes[index].process else { return false }
        let (region, seconds) = (nodes[index].region, nodes[index].clock(at: now).milliseconds / 1000)
        return process.roster.roster.counts(nodes[index].signer.verifier, of: region, at: seconds)
            && !process.replica.openForks.contains { $0.feed.region == region }
    }

    // MARK: Closed keys

    /// Everything that was to be stored before is.
    func review(_ entry: RosterRegion, at index: Int) {
        cut(by: entry, at: index)
        let held = nodes[index].disk.heldFeeds.filter { $0.feed.region == entry.id }
        dispatch(.reviewed(entry.id, held), to: index)
        checkClosures(of: entry, at: index)
    }

    /// What a node does when it starts.
    func reviewDisk(of index: Int, under roster: Roster) {
        for entry in roster.regions where !entry.closures.isEmpty { cut(by: entry, at: index) }
    }

    /// Cuts off what no longer counts of a region.
    private func cut(by entry: RosterRegion, at index: Int) {
        if options.planted == .ignoresClosures { return }
        var isCut = false
        for stored in nodes[index].disk.feeds.values where stored.feed.region == entry.id {
            switch verdict(of: entry, on: stored) {
            case .stands: continue
            case .ends(let size): nodes[index].disk.cut(stored.feed, to: size)
            case .falls: nodes[index].disk.cut(stored.feed, to: 0)
            }
            isCut = true
            note(index, "holds \(nodes[index].disk.count(of: stored.feed)) of \(stored.feed), by the roster")
        }
        guard isCut else { return }
        reach(.cutByClosure)
        guard nodes[index].region == entry.id, nodes[index].process != nil else { return }
        rebuildPublished(index)
        let writer = nodes[index].process?.writer
        if let writer, nodes[index].disk.count(of: writer.feed) != writer.frontier.size {
            nodes[index].process?.writer = nil
        }
    }

    func verdict(of entry: RosterRegion, on stored: StoredFeed) -> RosterRegion.Verdict {
        // A batch that is damaged vouches for nothing.
        verdict(of: entry, on: stored, newest: stored.batch(stored.count - 1))
    }

    /// - Parameter last: the feed's newest batch; nil if it cannot be read.
    func verdict(of entry: RosterRegion, on stored: StoredFeed, newest last: ProvenBatch?) -> RosterRegion.Verdict {
        let newest = stored.isLiving ? last?.checkpoint ?? [] : nil
        return entry.verdict(on: stored.feed.epoch, base: stored.base, leaves: stored.leaves, newest: newest)
    }
}

extension SimulatedDisk {
    /// A roster ends a feed: what the checks remember of it beyond that is void, and so are revocations that may stand
    /// there.
    mutating func cut(_ feed: FeedID, to size: UInt64) {
        let isLeft = feeds.update(feed) { $0.end(at: size) } ?? false
        if !isLeft { feeds[feed] = nil }
        record.reached[feed] = feeds[feed]?.frontier
        record.acknowledged[feed] = isLeft ? record.acknowledged[feed].map { min($0, size) } : nil
        record.dropped[feed] = isLeft ? record.dropped[feed] : nil
        record.revoked[feed.region] = nil
    }
}
