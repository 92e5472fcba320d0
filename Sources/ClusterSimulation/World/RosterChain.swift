import ExposureKeys
import FeedFormat

/// The rosters that the authorities have signed so far, each of which names the ones before.
struct RosterChain {
    let authorities: RosterAuthorities
    private let authority: NoteSigner
    /// By version, from 1.
    private var signed: [SignedRoster]
    let first: SignedRoster
    private(set) var newest: SignedRoster

    init(_ roster: Roster) throws {
        let seed = [UInt8](repeating: 200, count: 32)
        guard let authority = NoteSigner(name: "authority", algorithm: .ed25519, seed: seed),
            let authorities = RosterAuthorities(verifiers: [authority.verifier], threshold: 1)
        else { throw Simulation.SetupError.badOptions }
        self.authority = authority
        self.authorities = authorities
        first = try SignedRoster(try roster.signed(by: [authority]), authorities: authorities)
        newest = first
        signed = [first]
    }

    /// Whether there is more than the first one.
    var hasChanged: Bool { signed.count > 1 }

    subscript(version: UInt64) -> Roster? {
        1...UInt64(signed.count) ~= version ? signed[Int(version) - 1].roster : nil
    }

    /// Its bytes as operators hand them on.
    func bytes(of version: UInt64) -> [UInt8]? {
        1...UInt64(signed.count) ~= version ? signed[Int(version) - 1].bytes : nil
    }

    /// Version of a roster that the authorities have signed; nil for other bytes.
    func version(of bytes: [UInt8]) -> UInt64? { signed.last { $0.bytes == bytes }?.roster.version }

    /// Signs the next version.
    /// - Parameter issued: unix seconds.
    /// - Returns: false if it cannot be one.
    mutating func add(_ entry: RosterRegion, issued: Int64) -> Bool {
        let regions = newest.roster.regions.map { $0.id == entry.id ? entry : $0 }
        guard let next = newest.roster.next(issued: issued, expires: Simulation.rosterEnd, regions: regions),
            let bytes = try? next.signed(by: [authority]),
            let verified = try? SignedRoster(bytes, authorities: authorities)
        else { return false }
        signed.append(verified)
        newest = verified
        return true
    }
}
