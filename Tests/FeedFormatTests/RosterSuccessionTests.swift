import FeedFormat
import Testing

struct RosterSuccessionTests {
    /// Versions 1 to `count`, each the next of the one before; `salt` makes another line of them.
    private func line(_ count: Int, after start: Roster? = nil, salt: Int64 = 0) throws -> [Roster] {
        var rosters = start.map { [$0] } ?? []
        while rosters.count < count {
            guard let last = rosters.last else {
                let region = try #require(try Samples.rosterRegion())
                let first = Roster(version: 1, previous: nil, issued: salt, expires: 1_610_000_000, regions: [region])
                rosters.append(try #require(first))
                continue
            }
            let issued = Int64(rosters.count) + salt
            rosters.append(try #require(last.next(issued: issued, expires: 1_610_000_000, regions: last.regions)))
        }
        return rosters
    }

    @Test func everyVersionOfALineFollowsTheOnesBefore() throws {
        let rosters = try line(12)
        #expect(rosters.map(\.version) == Array(1...12))
        for held in rosters {
            for given in rosters {
                let expected: Roster.Succession =
                    given.version == held.version ? .same : given.version > held.version ? .newer : .older
                #expect(held.succession(of: given) == expected)
            }
        }
    }

    @Test func anotherLineIsAFork() throws {
        let rosters = try line(6)
        let others = try line(6, salt: 100)
        for held in rosters {
            for given in others { #expect(held.succession(of: given) == .fork) }
        }
        // A line that leaves after version 3: what both name is older, all else contradicts.
        let branch = try line(4, after: rosters[2], salt: 100)
        for held in branch.dropFirst() {
            for given in rosters { #expect(held.succession(of: given) == (given.version <= 3 ? .older : .fork)) }
            for old in rosters { #expect(old.succession(of: held) == (old.version <= 3 ? .newer : .fork)) }
        }
    }

    @Test func aThousandVersionsAreNamed() throws {
        let rosters = try line(1003)
        let last = try #require(rosters.last)
        #expect(last.earlier.count == 999)
        #expect(rosters[1].succession(of: last) == .tooFarAhead)
        #expect(rosters[2].succession(of: last) == .newer)
        #expect(last.succession(of: rosters[1]) == .older)
        #expect(last.succession(of: rosters[2]) == .older)
        #expect(last.hash(ofVersion: 2) == nil)
        #expect(last.hash(ofVersion: 3) == rosters[2].hash)
        #expect(last.hash(ofVersion: 1002) == rosters[1001].hash)
        #expect(last.hash(ofVersion: 1003) == last.hash)
        for number: UInt64 in [0, 1004, .max] { #expect(last.hash(ofVersion: number) == nil) }
    }

    private func signed(_ roster: Roster) throws -> SignedRoster {
        let authority = try Samples.authority(1)
        let authorities = try #require(RosterAuthorities(verifiers: [authority.verifier], threshold: 1))
        return try SignedRoster(try roster.signed(by: [authority]), authorities: authorities)
    }

    @Test func whatIsTaken() throws {
        let rosters = try line(1003)
        let held = try signed(rosters[1])
        let now: Int64 = 1_609_999_999
        #expect(try !held.isFollowed(by: try signed(rosters[0]), now: now))
        #expect(try !held.isFollowed(by: held, now: now))
        #expect(try held.isFollowed(by: try signed(rosters[2]), now: now))
        #expect(try held.isFollowed(by: try signed(rosters[500]), now: now))
        let other = try line(3, salt: 7)
        #expect(throws: FormatError.with(.expired)) { try held.isFollowed(by: try signed(rosters[2]), now: now + 1) }
        for given in other {
            #expect(throws: FormatError.with(.forkedRoster)) { try held.isFollowed(by: try signed(given), now: now) }
        }
        let far = try signed(rosters[1002])
        #expect(throws: FormatError.with(.unconnectedRoster)) { try held.isFollowed(by: far, now: now) }
        // What one holds may have expired; it is still what it was.
        #expect(try !held.isFollowed(by: held, now: now + 1))
    }

    @Test func onlySignedRostersAreHeld() throws {
        let authority = try Samples.authority(1)
        let authorities = try #require(RosterAuthorities(verifiers: [authority.verifier], threshold: 1))
        let other = try RosterTests.roster().signed(by: [try Samples.authority(2)])
        #expect(throws: FormatError.with(.missingSignature)) { try SignedRoster(other, authorities: authorities) }
        let good = try RosterTests.roster(expires: 1_600_000_001).signed(by: [authority])
        #expect(try SignedRoster(good, authorities: authorities).bytes == good)
    }
}
