import ClusterSimulation
import Foundation
import Testing

/// The integer trigonometry against the machine's.
@Suite struct GeographyTests {
    private func kilometres(_ left: Place, _ right: Place) -> Double {
        func radians(_ hundredths: Int64) -> Double { Double(hundredths) / 100 * .pi / 180 }
        let (phi, psi) = (radians(left.latitude), radians(right.latitude))
        let halfPhi = sin((psi - phi) / 2)
        let halfLambda = sin((radians(right.longitude) - radians(left.longitude)) / 2)
        return 2 * 6371 * asin(sqrt(halfPhi * halfPhi + cos(phi) * cos(psi) * halfLambda * halfLambda))
    }

    @Test func distancesAreThoseOfTheSphere() {
        let places = Geography.worldPlaces + Geography.capitals
        for left in places {
            for right in places {
                let exact = kilometres(left, right)
                let whole = Double(left.kilometres(to: right))
                #expect(abs(whole - exact) <= 1.5, "\(left.name) to \(right.name): \(whole), not \(exact)")
            }
        }
    }

    @Test func roundTripsAreThoseOfTheModels() throws {
        let sydney = try #require(Geography.worldPlaces.first { $0.name == "syd" })
        let london = try #require(Geography.worldPlaces.first { $0.name == "lhr" })
        #expect((226...232).contains(Geography.world.roundTrip(sydney, london)))
        #expect(Geography.world.roundTrip(london, london) == 1)
        let hanoi = try #require(Geography.capitals.first { $0.name == "Hà Nội" })
        let saigon = try #require(Geography.capitals.first { $0.name == "Hồ Chí Minh" })
        #expect(Geography.vietnam.roundTrip(hanoi, saigon) == 21)
        #expect(Geography.capitals.count == 63)
    }
}
