public import FeedFormat
import ExposureKeys

/// Forks: once it is proven that a region's key has signed two histories of one epoch, nobody can tell which of its
/// statements are the region's. What is held stays, nothing new of the region is taken from anyone, and all neighbours
/// get the proof, until a roster settles what stands. docs/ARCHITECTURE.md, "Forks".
extension Replica {
    /// The forks that no roster has settled, one of each region at most, ascending by region.
    public var openForks: [ForkProof] { forks.values }

    /// Whether nothing new of a feed is taken. What a roster itself vouches for is.
    func isFrozen(_ feed: FeedID) -> Bool { forks[feed.region] != nil && standing(of: feed) == nil }

    /// Keeps those of the proofs that speak of keys which still count.
    mutating func load(_ proofs: [ForkProof]) {
        for proof in proofs where forks[proof.feed.region] == nil {
            guard let entry = roster.region(proof.feed.region), entry.isForked(by: proof) else { continue }
            forks[proof.feed.region] = proof
        }
    }

    /// A peer says that a region's key has signed two histories.
    mutating func takeFork(_ bytes: [UInt8], from link: LinkID) {
        do throws(FormatError) {
            let region = try ForkProof.feed(in: bytes[...]).region
            // One look for each region and link under one roster: the second is not checked again.
            guard forks[region] == nil, links[link]?.forks[region] == nil else {
                links.update(link) { $0.forks[region] = true }
                return
            }
            links.update(link) { $0.forks[region] = true }
            do throws(FormatError) {
                let proof = try ForkProof(bytes[...]) { roster.keys(of: $0) }
                take(proof)
            } catch {
                // What a roster has settled here, or what another roster than ours explains.
                let settled = try? ForkProof(bytes[...]) { id in
                    roster.region(id).map { $0.keys + $0.closedKeys }
                }
                let isSignature = error.code == .missingSignature || error.code == .wrongSignature
                let hasOurs = links[link]?.roster?.hash == nil || links[link]?.roster?.hash == rosterHash
                if settled != nil || isSignature && !hasOurs { return }
                throw error
            }
        } catch {
            close(link, "it sent a proof of a fork that proves none: \(error)")
        }
    }

    /// Works under a proof from now on.
    mutating func take(_ proof: ForkProof) {
        let region = proof.feed.region
        guard forks[region] == nil else { return }
        forks[region] = proof
        freeze(region)
        effects.append(.keepFork(proof))
        effects.append(.alarm(.forked(proof.feed, isOwn: region == self.region)))
        for id in links.keys { tellForks(on: id) }
    }

    /// Gives a peer the proofs that it has not got from here or sent itself.
    mutating func tellForks(on link: LinkID) {
        guard links[link]?.peer != nil else { return }
        for (region, proof) in zip(forks.keys, forks.values) where links[link]?.forks[region] == nil {
            effects.append(.send(link, .fork(proof.bytes)))
            links.update(link) { $0.forks[region] = true }
        }
    }

    /// Ends what is under way for a region's feeds, but for what is in the store's hands already.
    private mutating func freeze(_ region: Region) {
        dropInquiries { $0.region == region }
        for feed in feeds.keys[feeds.positions(of: region)] where isFrozen(feed) {
            abandon(feed)
            feeds.update(feed) { progress in
                progress.proven = progress.store.flatMap { stores[$0]?.tail } ?? progress.durable
                progress.pushDue = nil
            }
            // A mere claim; nobody would forget it while nothing is fetched.
            if feeds[feed]?.count == 0, feeds[feed]?.store == nil { feeds[feed] = nil }
        }
    }

    /// Goes on with regions of which a newer roster has settled what stands.
    mutating func settleForks() {
        for (region, proof) in zip(forks.keys, forks.values) {
            if roster.region(region)?.isForked(by: proof) == true { continue }
            forks[region] = nil
            effects.append(.settleFork(region))
            for link in links.values {
                for position in link.holds.positions(of: region) {
                    let feed = link.holds.keys[position]
                    if feeds[feed] == nil { feeds[feed] = FeedProgress(new: feed) }
                }
            }
            touched.append(contentsOf: feeds.keys[feeds.positions(of: region)])
        }
    }
}
