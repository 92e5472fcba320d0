import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

struct NeighbourhoodTests {
    private static let provinces = VietnamProvince.until2025.map(\.region)

    private static func roster(_ regions: [Region], retired: [Region: Region] = [:]) throws -> Roster {
        let signer = try #require(
            NoteSigner(name: "n", algorithm: .cosignature, seed: [UInt8](repeating: 1, count: 32))
        )
        let entries = try regions.map { region in
            try InMemoryNetwork.entry(NetworkNode(region: region, signer: signer), successor: retired[region])
        }
        return try #require(Roster(version: 1, previous: nil, issued: 0, expires: 1, regions: entries))
    }

    /// A node in a world of given round trips, whose shell measures what is asked for when it is due.
    private struct World {
        let own = NeighbourhoodTests.provinces[20]
        var neighbourhood: Neighbourhood
        var now = Timestamp(milliseconds: 1_608_768_000_000)
        /// In microseconds; nil for regions that do not answer.
        var times: [Region: Int64]
        var connected: [Region] = []
        var random: SplitMix64
        /// When which region was measured.
        var log: [(region: Region, at: Timestamp)] = []
        /// How often the neighbours have changed.
        var changes = 0

        init(seed: UInt64, regions: [Region] = provinces, configured: [Region]? = nil, nearest: Int = 3) throws {
            random = SplitMix64(seed: seed)
            times = [:]
            for region in regions { times[region] = Int64.random(in: 500...80_000, using: &random) }
            var settings = SurveySettings()
            settings.nearest = nearest
            neighbourhood = Neighbourhood(
                of: own,
                configured: configured,
                roster: try roster(regions),
                settings: settings,
                now: now,
                using: &random
            )
        }

        /// - Parameter noise: by what part a measurement may be more than the time.
        mutating func run(minutes: Int64, noise: Double = 0) {
            let end = now.advanced(byMilliseconds: minutes * 60_000)
            while let next = neighbourhood.nextMeasurement, next.due <= end {
                now = max(now, next.due)
                log.append((next.region, now))
                let time = times[next.region].map { time in
                    time + Int64(Double(time) * (noise > 0 ? Double.random(in: 0...noise, using: &random) : 0))
                }
                let before = neighbourhood.neighbours
                neighbourhood.measured(
                    next.region,
                    time,
                    isConnected: connected.contains(next.region),
                    now: now,
                    using: &random
                )
                if neighbourhood.neighbours != before { changes += 1 }
            }
            now = end
        }

        /// What the overlay says of somebody who knows all times.
        func ideal(_ regions: [Region] = provinces) throws -> [Region] {
            Overlay(roster: try roster(regions)).neighbours(of: own) { times[$0] }
        }
    }

    /// Ring and drawn ones at once, and the nearest within minutes, in one change.
    @Test(arguments: 0..<50 as Range<UInt64>) func theNearestAreKnownWithinMinutes(seed: UInt64) throws {
        var world = try World(seed: seed)
        let first = Overlay(roster: try Self.roster(Self.provinces)).neighbours(of: world.own) { _ in nil }
        #expect(world.neighbourhood.neighbours == first && (2...4).contains(first.count))
        world.run(minutes: 3)
        #expect(world.neighbourhood.neighbours == (try world.ideal()))
        #expect(world.log.count == 62 && Set(world.log.map(\.region)).count == 62)
        #expect(world.changes <= 1 && world.neighbourhood.neighbours.count <= 7)
    }

    /// A day of measurements that vary by a third changes nothing after the first minutes, and each region is measured
    /// at most every two hours, one with a connection every ten minutes.
    @Test(arguments: 0..<10 as Range<UInt64>) func aDayIsQuiet(seed: UInt64) throws {
        var world = try World(seed: seed)
        world.connected = [Self.provinces[3]]
        world.run(minutes: 3)
        let known = world.changes
        // Least of three that are up to 15 % too long: no fifth between them.
        world.run(minutes: 24 * 60, noise: 0.15)
        #expect(world.changes == known)
        for region in Self.provinces where region != world.own {
            let moments = world.log.filter { $0.region == region }.map(\.at)
            let pauses = zip(moments, moments.dropFirst()).map { $1.duration(since: $0) }
            let least: Int64 = region == Self.provinces[3] ? 600_000 : 7_200_000
            #expect(!pauses.isEmpty && pauses.allSatisfy { (least...least * 3 / 2).contains($0) }, "\(region)")
        }
        #expect(Set(world.log.map(\.at)).count > world.log.count * 9 / 10)
    }

    /// A way that becomes clearly shorter, or longer, is noticed when enough measurements say so.
    @Test func lastingChangesAreFollowed() throws {
        var world = try World(seed: 7)
        for (place, region) in Self.provinces.enumerated() { world.times[region] = 10_000 + Int64(place) * 1000 }
        world.run(minutes: 4)
        #expect(Self.provinces.prefix(3).allSatisfy(world.neighbourhood.neighbours.contains))
        world.times[Self.provinces[40]] = 2000
        world.times[Self.provinces[0]] = 90_000
        world.run(minutes: 12 * 60)
        #expect(world.neighbourhood.neighbours == (try world.ideal()))
        #expect(world.neighbourhood.roundTrip(of: Self.provinces[0]) == 90_000)
    }

    /// Who stops answering is replaced after some failures, and tried again more and more rarely.
    @Test func whoDoesNotAnswerIsReplaced() throws {
        var world = try World(seed: 8)
        for (place, region) in Self.provinces.enumerated() { world.times[region] = 10_000 + Int64(place) * 5000 }
        world.run(minutes: 4)
        world.times[Self.provinces[0]] = nil
        world.run(minutes: 5 * 60)
        #expect(!world.neighbourhood.neighbours.contains(Self.provinces[0]))
        #expect(world.neighbourhood.neighbours == (try world.ideal()))
        #expect(world.neighbourhood.roundTrip(of: Self.provinces[0]) == nil)
        let begin = world.now
        world.run(minutes: 60)
        #expect((1...2).contains(world.log.count { $0.region == Self.provinces[0] && $0.at > begin }))
        world.times[Self.provinces[0]] = 1000
        world.run(minutes: 60)
        #expect(world.neighbourhood.neighbours.contains(Self.provinces[0]))
    }

    /// With nobody else there a node has its ring, and keeps asking.
    @Test func aNodeAloneHasItsRing() throws {
        var world = try World(seed: 9)
        world.times = [:]
        let first = world.neighbourhood.neighbours
        world.run(minutes: 24 * 60)
        #expect(world.neighbourhood.neighbours == first && world.changes == 0)
        #expect(world.log.count < 62 * 60)
    }

    @Test func whatTheOperatorNamesWins() throws {
        let named = [Self.provinces[5], Self.provinces[2], Self.provinces[20], try #require(Region("XX"))]
        var world = try World(seed: 10, configured: named)
        let wanted = [Self.provinces[2], Self.provinces[5]]
        #expect(world.neighbourhood.neighbours == wanted)
        world.run(minutes: 24 * 60)
        #expect(world.neighbourhood.neighbours == wanted)
        #expect(Set(world.log.map(\.region)) == Set(wanted))
        #expect(world.neighbourhood.roundTrip(of: wanted[0]) == world.times[wanted[0]])
    }

    @Test func withoutNearestOnlyNeighboursAreMeasured() throws {
        var world = try World(seed: 11, nearest: 0)
        let first = world.neighbourhood.neighbours
        world.run(minutes: 24 * 60)
        #expect(world.neighbourhood.neighbours == first && Set(world.log.map(\.region)) == Set(first))
    }

    /// Another roster: who left is a neighbour no more, who is new becomes one when it was measured, and a region that
    /// was retired keeps to its successor.
    @Test func rostersAreFollowed() throws {
        let before = Self.provinces.filter { $0 != Self.provinces[50] }
        var world = try World(seed: 12, regions: before)
        world.run(minutes: 4)
        let left = try #require(before.filter { $0 != world.own }.min { world.times[$0] ?? 0 < world.times[$1] ?? 0 })
        #expect(world.neighbourhood.neighbours.contains(left))
        world.times[Self.provinces[50]] = 1
        let after = try Self.roster(Self.provinces.filter { $0 != left })
        world.neighbourhood.take(after, now: world.now, using: &world.random)
        #expect(!world.neighbourhood.neighbours.contains(left))
        world.run(minutes: 4)
        #expect(world.neighbourhood.neighbours.contains(Self.provinces[50]))

        let retired = try Self.roster(Self.provinces, retired: [world.own: Self.provinces[21]])
        world.neighbourhood.take(retired, now: world.now, using: &world.random)
        #expect(world.neighbourhood.neighbours == [Self.provinces[21]])
    }
}
