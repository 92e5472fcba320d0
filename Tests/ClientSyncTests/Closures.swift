import ExposureKeys
import FeedFormat
import Testing

extension Country {
    /// The key of a region after its first one was closed.
    static func nextSigner(of code: String) throws -> NoteSigner {
        let seed = Array(code.utf8) + [UInt8](repeating: 8, count: 32)
        return try #require(
            NoteSigner(name: "keytide/\(code)", algorithm: .cosignature, seed: Array(seed.prefix(32)))
        )
    }

    /// The next roster, signed: a region's key is closed, and these feeds of it stand as they are.
    func closing(_ code: String, standing feeds: [PublishedFeed]) throws -> [UInt8] {
        let standing = feeds.map { feed in
            RosterRegion.Closure.Standing(
                epoch: feed.id.epoch,
                size: feed.count,
                root: feed.frontier(at: feed.count).root
            )
        }
        let regions = try roster.regions.map { region in
            guard region.id.code == code else { return region }
            let key = try #require(region.keys.first)
            let next = try Country.nextSigner(of: code).verifier
            let closure = try #require(RosterRegion.Closure(key: key.verifier, standing: standing))
            return try #require(
                RosterRegion(
                    id: region.id,
                    vietnameseName: region.vietnameseName,
                    englishName: region.englishName,
                    operatorName: region.operatorName,
                    keys: [RosterRegion.Key(verifier: next, notBefore: 0, notAfter: 4_000_000_000)],
                    closures: [closure],
                    publicEndpoint: region.publicEndpoint,
                    peerEndpoint: region.peerEndpoint
                )
            )
        }
        let next = try #require(roster.next(issued: 2, expires: 4_000_000_000, regions: regions))
        return try next.signed(by: [authority])
    }
}
