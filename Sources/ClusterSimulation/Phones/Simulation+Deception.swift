import ExposureKeys
import FeedFormat
import Replication

/// What a node tells phones besides the truth.
struct Deception {
    let lie: PhoneLie
    let region: Region
    let until: Int64
    /// All feeds of the region that phones are shown; nil for those that the node holds.
    var shown: [StoredFeed]?

    static let inventedRoot = Hash256(hashing: [1])
}

/// Deceiving phones for hours, in ways that the phones' witnesses are there for. `Simulation+PhoneLies` has those that a
/// sync finds by itself.
extension Simulation {
    func deception(of index: Int) -> Deception? {
        guard let deception = nodes[index].deception, deception.until > now else { return nil }
        return deception
    }

    func deceivePhones(_ lie: PhoneLie, about region: Region, by index: Int, for duration: Int64) {
        guard let owner = nodes.firstIndex(where: { $0.region == region }), owner != index else { return }
        var deception = Deception(lie: lie, region: region, until: now + duration)
        let held = nodes[index].disk.feeds.values.filter { $0.feed.region == region && $0.isLiving }
        switch lie {
        case .withholds:
            deception.shown = held
        case .anotherHistory:
            guard let newest = held.last, let other = extended(newest, by: index, signer: nodes[owner].signer) else {
                return
            }
            deception.shown = held.dropLast() + [other]
        case .ownEpoch:
            let seconds = nodes[index].clock(at: now).milliseconds / 1000
            let epoch = Epoch(startUnixSeconds: seconds, random: UInt32(truncatingIfNeeded: chances[index].next()))
            let empty = StoredFeed(feed: FeedID(region: region, epoch: epoch))
            guard let own = extended(empty, by: index, signer: nodes[owner].signer) else { return }
            deception.shown = held + [own]
        case .replays, .claims:
            break
        }
        note(index, "deceives phones: \(lie.rawValue) \(region)")
        nodes[index].deception = deception
        nodes[index].hasLied = true
    }

    /// A feed with one more batch, under a stolen key.
    private func extended(_ stored: StoredFeed, by index: Int, signer: NoteSigner) -> StoredFeed? {
        let time = nodes[index].clock(at: now)
        let pen = Pen(stored, signer)
        let keys = forgedKeys(by: index)
        guard let batch = try? pen.batch(keys, publication: time.interval, time: time.milliseconds / 1000) else {
            return nil
        }
        truth.forge(batch, after: stored.frontier)
        var longer = stored
        return longer.append([batch], base: nil, skipped: []) == nil ? longer : nil
    }

    // MARK: What phones are shown

    func shownFeeds(at index: Int) -> [StoredFeed] {
        let held = nodes[index].disk.feeds.values
        if options.planted == .hidesARegion, index == 1 { return held.filter { $0.feed.region != nodes[0].region } }
        guard let deception = deception(of: index), let shown = deception.shown else { return Array(held) }
        return held.filter { $0.feed.region != deception.region } + shown
    }

    func shownFeed(_ feed: FeedID, at index: Int) -> StoredFeed? {
        guard let deception = deception(of: index), deception.region == feed.region, let shown = deception.shown else {
            return nodes[index].disk.feeds[feed]
        }
        return shown.first { $0.feed == feed }
    }
}
