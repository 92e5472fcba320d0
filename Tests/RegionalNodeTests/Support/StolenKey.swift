import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import TestSupport

/// What somebody does who has a region's key, and what authorities do then.
extension TestCountry {
    func store(_ number: Int) throws -> SQLiteFeedStore {
        try SQLiteFeedStore(path: scratch.file("\(regions[number]).store"))
    }

    /// Puts into the store of a stopped node what another process has signed with the key of the region whose feed is the
    /// first one there: one more batch.
    func continueFeed(of node: Int, at other: Int) throws -> Archive {
        let archive = try archive(patients: 5)
        let storage = try store(other)
        defer { try? storage.close() }
        let text = try String(contentsOfFile: scratch.file("\(regions[node]).key"), encoding: .utf8)
        guard let held = try storage.feeds().first, let signer = NoteSigner(text) else { throw TestFailure("no feed") }
        var frontier = Frontier(leaves: held.leaves)
        let batch = try Batch(number: frontier.size, publication: held.lastPublication, keys: archive.keys)
        frontier.append(batch.leafHash)
        let checkpoint = Checkpoint(
            region: held.feed.region,
            epoch: held.feed.epoch,
            size: frontier.size,
            root: frontier.root
        )
        let proven = ProvenBatch(
            feed: held.feed,
            number: batch.number,
            publication: batch.publication,
            bytes: batch.bytes,
            leaf: batch.leafHash,
            checkpoint: try checkpoint.signed(by: signer, time: TestCountry.time).bytes
        )
        try storage.append([proven])
        return archive
    }

    /// The next roster: the key of the first region is closed, one feed of it stands in part, and a new key is listed.
    func closing(standing: RosterRegion.Closure.Standing, next: NoteSigner) throws -> [UInt8] {
        try self.next { regions in
            regions.map { region in
                guard region.id == self.regions[0], let key = region.keys.first,
                    let closure = RosterRegion.Closure(key: key.verifier, standing: [standing])
                else { return region }
                return RosterRegion(
                    id: region.id,
                    vietnameseName: region.vietnameseName,
                    englishName: region.englishName,
                    operatorName: region.operatorName,
                    keys: [RosterRegion.Key(verifier: next.verifier, notBefore: 0, notAfter: 4_102_444_800)],
                    closures: [closure],
                    publicEndpoint: region.publicEndpoint,
                    peerEndpoint: region.peerEndpoint
                )
            }
        }.bytes
    }

    /// Another key for the first region.
    func nextSigner() throws -> NoteSigner {
        let name = KeytideNames.signer(regions[0])
        let seed = [UInt8](repeating: 77, count: 32)
        guard let signer = NoteSigner(name: name, algorithm: .cosignature, seed: seed) else { throw TestFailure(name) }
        return signer
    }
}
