import ExposureKeys
import FeedFormat
import Testing

struct RosterRegionTests {
    private func roundTrip(_ roster: Roster) throws -> Roster {
        let authority = try Samples.authority(1)
        let bytes = try roster.signed(by: [authority])
        return try Roster(bytes[...], authorities: [authority.verifier], threshold: 1, now: roster.issued)
    }

    @Test func everythingIsReadAsWritten() throws {
        let made = try Samples.fullRoster()
        let read = try roundTrip(made)
        #expect(read.regions == made.regions)
        #expect(read.text == made.text)
        let region = try #require(read.region(try Samples.region()))
        #expect(region.certificates.map(\.notBefore) == [1_600_000_000, -5])
        #expect(region.closures.map(\.standing.count) == [2, 0])
        #expect(read.keys(of: try Samples.region("VN-02"))?.isEmpty == true)
    }

    @Test(arguments: [0, 1, 8, 9]) func numbersOfCertificates(count: Int) throws {
        let certificates = [RosterRegion.Certificate](repeating: Samples.certificate(1), count: count)
        let region = try Samples.rosterRegion(certificates: certificates)
        #expect((region != nil) == (count <= 8))
        #expect(region == nil || region?.certificates == certificates)
    }

    @Test func validityOfCertificates() throws {
        let certificate = RosterRegion.Certificate(hash: Hash256(hashing: []), notBefore: 5, notAfter: 7)
        #expect([4, 5, 6, 7].map { certificate.isValid(at: $0) } == [false, true, true, false])
        let never = RosterRegion.Certificate(hash: Hash256(hashing: []), notBefore: 5, notAfter: 5)
        #expect(try Samples.rosterRegion(certificates: [never]) == nil)
    }

    @Test(arguments: [(8, 0), (9, 0), (1, 32), (1, 33), (2, 16), (3, 11)])
    func numbersOfClosures(count: Int, standing: Int) throws {
        let closures = try (0..<count).map { try Samples.closure(seed: UInt8(10 + $0), standing: standing) }
        let region = try Samples.rosterRegion(closures: closures)
        #expect((region != nil) == (count <= 8 && count * standing <= 32))
    }

    @Test func whatStands() throws {
        let standing = Samples.standing(3)
        let key = try Samples.signer(seed: 2).verifier
        let closure = try #require(RosterRegion.Closure(key: key, standing: standing.reversed()))
        #expect(closure.standing == standing)
        for one in standing { #expect(closure.standing(of: one.epoch) == one) }
        #expect(closure.standing(of: Epoch(1)) == nil)
        #expect(RosterRegion.Closure(key: key, standing: standing + [standing[1]]) == nil)
        for (size, isFine): (UInt64, Bool) in [(0, false), (1, true), (131_072, true), (131_073, false)] {
            #expect((RosterRegion.Closure(key: key, standing: Samples.standing(1, size: size)) != nil) == isFine)
        }
    }

    /// Name and form of a key do not matter: the key itself is in other hands.
    @Test func closedKeysAreFoundByTheirBytes() throws {
        let roster = try Samples.fullRoster()
        let id = try Samples.region()
        let closed = try Samples.signer(seed: 2).verifier
        let alias = try #require(NoteVerifier(name: "x", algorithm: .ed25519, publicKey: closed.publicKey))
        for key in [closed, alias] { #expect(roster.closure(of: key, in: id)?.key == closed) }
        #expect(roster.closure(of: try Samples.signer().verifier, in: id) == nil)
        #expect(roster.closure(of: closed, in: try Samples.region("VN-02")) == nil)
        #expect(roster.closure(of: closed, in: try Samples.region("VN-09")) == nil)
    }

    @Test func aKeyIsValidOrClosed() throws {
        let keys = Samples.rosterKeys(try Samples.signer())
        let other = try Samples.closure(seed: 2, standing: 1)
        #expect(try Samples.rosterRegion(keys: keys, closures: [other]) != nil)
        #expect(try Samples.rosterRegion(keys: keys, closures: [try Samples.closure(seed: 1, standing: 1)]) == nil)
        #expect(try Samples.rosterRegion(keys: keys, closures: [other, other]) == nil)
        let alias = try #require(NoteVerifier(name: "x", algorithm: .ed25519, publicKey: other.key.publicKey))
        let second = try #require(RosterRegion.Closure(key: alias, standing: []))
        #expect(try Samples.rosterRegion(keys: keys, closures: [other, second]) == nil)
    }

    @Test func onlyRetiredRegionsHaveNoKeys() throws {
        #expect(try Samples.rosterRegion(keys: []) == nil)
        #expect(try Samples.rosterRegion(keys: [], successor: "VN-02") != nil)
        #expect(try Samples.rosterRegion(successor: "VN-02") != nil)
        #expect(try Samples.rosterRegion(successor: "VN-01") == nil)
    }

    private func roster(_ regions: [RosterRegion?]) throws -> Roster? {
        Roster(version: 1, previous: nil, issued: 1, expires: 2, regions: try regions.map { try #require($0) })
    }

    @Test func successorsAreListedAndGoOn() throws {
        let first = try Samples.rosterRegion("VN-01")
        let second = try Samples.rosterRegion("VN-02", successor: "VN-01")
        #expect(try roster([first, second]) != nil)
        #expect(try roster([second]) == nil)
        #expect(try roster([first, second, try Samples.rosterRegion("VN-03", successor: "VN-02")]) == nil)
        #expect(try roster([second, try Samples.rosterRegion("VN-01", successor: "VN-02")]) == nil)
    }
}
