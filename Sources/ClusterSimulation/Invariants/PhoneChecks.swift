import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// What must hold of phones: they take nothing but what was signed, pass nothing by that still matters, and in the end
/// have exactly the keys that live.
extension Simulation {
    /// Something has become durable in a phone's store.
    func take(_ change: PhoneProcess.Change, of phone: Int) {
        switch change {
        case .cut(let feed): checkCut(of: feed, by: phone)
        case .followed(let roster): checkRoster(roster, of: phone)
        case .committed(let commit):
            check(commit, of: phone)
            trace.mix(UInt64(phone) << 32 | commit.cursor.size)
            if commit.previousSize == commit.cursor.size { reach(.phoneBackfilled) }
            if let former = phones[phone].cursors[commit.cursor.feed], former.size < commit.cursor.first {
                reach(.phoneBridged)
            }
            if phones[phone].isTorn { reach(.phoneResumedAfterKill) }
            phones[phone].isTorn = false
            phones[phone].hasCommitted = true
            phones[phone].cursors[commit.cursor.feed] = commit.cursor
        }
    }

    private func check(_ commit: DeviceCommit, of phone: Int) {
        let (cursor, feed) = (commit.cursor, commit.cursor.feed)
        let former = phones[phone].cursors[feed]
        guard truth.leads(former?.frontier ?? Frontier(), to: cursor.frontier, in: feed) else {
            return violate(.phones, nil, "phone \(phone) holds another history of \(feed) than was signed")
        }
        for batch in commit.batches where !isGenuine(batch) {
            return violate(.phones, nil, "phone \(phone) takes batch \(batch.number) of \(feed), which nobody signed")
        }
        let isBackfill = former?.size == cursor.size
        let passed = isBackfill ? cursor.first..<(former?.first ?? 0) : (former?.size ?? cursor.first)..<cursor.size
        let taken = (phones[phone].taken[feed] ?? []).union(commit.batches.map(\.number))
        phones[phone].taken[feed] = taken
        // Publications do not fall: what comes before one that has expired, has expired.
        var hasExpired = false
        for number in passed.reversed() where number >= cursor.first && !taken.contains(number) {
            guard let batch = truth.batch(number, of: feed, before: cursor.frontier) else { continue }
            hasExpired = hasExpired || Expiry.isDropped(publishedAt: batch.publication, now: phones[phone].began)
            guard hasExpired else {
                return violate(.phones, nil, "phone \(phone) passes batch \(number) of \(feed) by, which still matters")
            }
            reach(.phonePassedExpired)
        }
    }

    private func isGenuine(_ batch: HeldBatch) -> Bool {
        guard let genuine = truth.genuine(batch) else { return false }
        return genuine.publication == batch.publication && genuine.bytes == batch.bytes
            && truth.keys(of: genuine) != nil
    }

    /// After a sync: what its readers see.
    func check(_ contents: PhoneContents, of phone: Int) {
        phones[phone].contents = contents
        for evidence in contents.evidence {
            switch evidence.kind {
            case .fork where !truth.isForked(evidence.feed):
                violate(.forks, nil, "phone \(phone) believes that \(evidence.feed) has two signed histories")
            case .indexClaim where !hasLied(evidence),
                .withheld where !hasLied(evidence) && !mayHaveLacked(evidence),
                .replay where !hasLied(evidence) && !mayHaveAgedIndex(evidence):
                violate(.phones, nil, "phone \(phone) has \(evidence.kind) of \(evidence.node) on \(evidence.feed)")
            default: break
            }
        }
        let moment = Interval(unixSeconds: phones[phone].clock(at: now))
        for (region, view) in contents.keys {
            let reports = contents.batches.filter { $0.feed.region == region }.compactMap { truth.genuine($0) }
                .compactMap { truth.keys(of: $0) }.flatMap(\.reports)
            let folded = Simulation.folded(reports)
            let highest = folded.map(\.key)
            if view.reports != folded { violate(.merged, nil, "phone \(phone) merges \(region) to something else") }
            let revoked = highest.filter { $0.metadata.reportType == .revoked }.map(\.identity)
            let before = phones[phone].revoked[region] ?? []
            if Simulation.meet(view.live(at: moment).map(\.identity), before) {
                violate(.revoked, nil, "phone \(phone) shows a key of \(region) that it has seen revoked")
            }
            let union = (revoked + before).sorted().reduce(into: [DiagnosisKey.Identity]()) { list, key in
                if list.last != key { list.append(key) }
            }
            if !union.isEmpty { phones[phone].revoked[region] = union }
        }
    }

    private func hasLied(_ evidence: Evidence) -> Bool {
        truth.isForked(evidence.feed) || nodes.contains { $0.endpoint == evidence.node && $0.hasLied }
    }

    /// Whether something kept a node behind, or the witness's clock was wrong: what it had would not be an hour old.
    private func mayHaveLacked(_ evidence: Evidence) -> Bool {
        let witness = IndexStatement(bytes: evidence.witness).flatMap(reader(of:))
        return truth.isForked(evidence.feed.region)
            || nodes.contains { ($0.endpoint == evidence.node || $0.region == witness) && $0.hasSuffered }
    }

    /// Whether the clock of who signed an index may have been set back since, or who passed it on was cut off.
    private func mayHaveAgedIndex(_ evidence: Evidence) -> Bool {
        nodes.contains { ($0.endpoint == evidence.node || $0.region == evidence.feed.region) && $0.hasSuffered }
    }

    // MARK: The end

    /// What keeps a phone from having exactly the keys that live; nil if nothing does. Of regions whose nodes need not
    /// hold the same it may have what it has.
    func phoneDifference(asOf time: Int64) -> String? {
        let moment = Timestamp(milliseconds: Simulation.startUnix + now / 1000).interval
        var due = SortedMap<Region, [ProvenBatch]>()
        var outOfOrder = SortedMap<Region, Bool>()
        for batches in dueBatches(asOf: time).values {
            guard let first = batches.first else { continue }
            let region = first.feed.region
            due[region] = (due[region] ?? []) + batches
            // To a phone that begins there, a batch of long ago says that what lies before has expired.
            let held = nodes.flatMap { $0.disk.feeds[first.feed]?.batches ?? [] }
            if held.contains(where: {
                $0.number > first.number && Expiry.isDropped(publishedAt: $0.publication, now: moment)
            }) {
                outOfOrder[region] = true
            }
        }
        for phone in phones.indices where !options.absentPhones.contains(phone) {
            guard let contents = phones[phone].contents else { return "phone \(phone) has not synced" }
            if let difference = rosterDifference(of: phone, contents) { return difference }
            for (region, batches) in zip(due.keys, due.values) where outOfOrder[region] == nil {
                // What no node has any more it may still have.
                let held = contents.batches.filter { $0.feed.region == region }.compactMap { truth.genuine($0) }
                let reports = (batches + held).compactMap { truth.keys(of: $0) }.flatMap(\.reports)
                let expected = RegionKeys(joining: Simulation.folded(reports)).live(at: moment)
                let shown = contents.keys(of: region).live(at: moment)
                if shown != expected {
                    return "phone \(phone) shows \(shown.count.counted("key")) of \(region), \(expected.count) live"
                }
            }
        }
        return nil
    }
}
