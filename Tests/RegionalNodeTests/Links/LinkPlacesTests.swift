import ExposureKeys
import RegionalNode
import Replication
import Testing

@Suite struct LinkPlacesTests {
    private let one: Region
    private let two: Region

    init() throws {
        one = try #require(Region("VN-01"))
        two = try #require(Region("VN-48"))
    }

    @Test func aRegionHasTwoLinksTheNewest() {
        var places = LinkPlaces(limit: 16)
        let closed = [one, two, one, one, one].enumerated().map { number, region in
            places.open(LinkID(UInt64(number + 1)), with: region)
        }
        #expect(closed == [[], [], [], [LinkID(1)], [LinkID(3)]])
        places.close(LinkID(4))
        // Nothing proves who the others are: nobody is displaced by them.
        let more = [one, nil, nil, nil, nil, nil].enumerated().flatMap { number, region in
            places.open(LinkID(UInt64(number + 6)), with: region)
        }
        #expect(more.isEmpty)
    }

    @Test func theLastPlacesAreForRegionsThatHaveNone() {
        var places = LinkPlaces(limit: 8)
        let closed = [nil, nil, nil, nil, one, one, one].enumerated().map { number, region in
            places.open(LinkID(UInt64(number + 1)), with: region)
        }
        #expect(closed.last == [LinkID(5), LinkID(6)] && closed.dropLast().allSatisfy(\.isEmpty))
        #expect(!places.isFull && !places.replaces(with: two) && places.replaces(with: one))
        let rest = [two, nil, nil].enumerated().flatMap { number, region in
            places.open(LinkID(UInt64(number + 8)), with: region)
        }
        #expect(rest.isEmpty && places.isFull)
        // Full: who is here may still come anew.
        #expect(places.replaces(with: two) && !places.replaces(with: nil))
        let replaced = places.open(LinkID(11), with: two)
        #expect(replaced == [LinkID(8)] && places.isFull)
    }
}
