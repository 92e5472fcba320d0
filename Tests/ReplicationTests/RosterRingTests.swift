import ExposureKeys
import FeedFormat
import Replication
import Testing

struct RosterRingTests {
    private func roster(_ codes: [String], retired: [String: String] = [:], keyless: Set<String> = []) throws -> Roster
    {
        let entries = try codes.map { code in
            let region = try #require(Region(code))
            let seed = [UInt8](repeating: 1, count: 32)
            let signer = try #require(NoteSigner(name: "n", algorithm: .cosignature, seed: seed))
            let node = NetworkNode(region: region, signer: signer)
            let successor = retired[code].flatMap { Region($0) }
            return try InMemoryNetwork.entry(node, keys: keyless.contains(code) ? [] : nil, successor: successor)
        }
        return try #require(Roster(version: 1, previous: nil, issued: 0, expires: 1, regions: entries))
    }

    private func codes(_ roster: Roster, _ code: String) throws -> [String] {
        roster.neighbours(of: try #require(Region(code))).map(\.code)
    }

    @Test func theRing() throws {
        #expect(try codes(try roster(["AA"]), "AA") == [])
        #expect(try codes(try roster(["AA", "BB"]), "AA") == ["BB"])
        let four = try roster(["AA", "BB", "CC", "DD"])
        #expect(try codes(four, "AA") == ["BB", "DD"])
        #expect(try codes(four, "CC") == ["BB", "DD"])
        #expect(try codes(four, "EE") == [])
    }

    @Test func retiredRegionsHangOnTheirSuccessors() throws {
        let four = try roster(["AA", "BB", "CC", "DD"], retired: ["BB": "DD"])
        #expect(try codes(four, "AA") == ["CC", "DD"])
        #expect(try codes(four, "BB") == ["DD"])
        #expect(try codes(four, "DD") == ["AA", "BB", "CC"])
        let later = try roster(["AA", "BB", "CC", "DD"], retired: ["BB": "DD"], keyless: ["BB"])
        #expect(try codes(later, "BB") == [])
        #expect(try codes(later, "DD") == ["AA", "CC"])
    }

    /// Whoever names a neighbour is named by it: the one that sorts first dials.
    @Test func bothEndsAgree() throws {
        let retired = VietnamProvince.until2025.filter { $0.region != $0.successor }
        let pairs = Dictionary(uniqueKeysWithValues: retired.map { ($0.region.code, $0.successor.code) })
        let roster = try roster(VietnamProvince.until2025.map(\.region.code), retired: pairs)
        for region in roster.regions {
            let neighbours = roster.neighbours(of: region.id)
            #expect(!neighbours.isEmpty && !neighbours.contains(region.id))
            for other in neighbours { #expect(roster.neighbours(of: other).contains(region.id)) }
        }
    }
}
