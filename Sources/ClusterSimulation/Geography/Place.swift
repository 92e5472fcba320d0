/// Somewhere on earth.
package struct Place: Sendable {
    package let name: String
    /// Hundredths of a degree, north and east positive.
    package let latitude: Int64
    package let longitude: Int64
    /// How often it is drawn, in proportion.
    let weight: Int64

    /// Great-circle distance in whole kilometres, rounded down, on a sphere of 6371 km.
    package func kilometres(to other: Place) -> Int64 {
        let (phi, otherPhi) = (FixedPoint.radians(hundredths: latitude), FixedPoint.radians(hundredths: other.latitude))
        let halfLatitude = FixedPoint.sine((otherPhi - phi) / 2)
        let halfLongitude = FixedPoint.sine(FixedPoint.radians(hundredths: other.longitude - longitude) / 2)
        let cosines = FixedPoint.multiply(FixedPoint.cosine(phi), FixedPoint.cosine(otherPhi))
        let haversine =
            FixedPoint.multiply(halfLatitude, halfLatitude)
            + FixedPoint.multiply(cosines, FixedPoint.multiply(halfLongitude, halfLongitude))
        let angle = 2 * FixedPoint.arcsine(FixedPoint.root(min(max(haversine, 0), FixedPoint.one)))
        return (6371 * angle) >> 30
    }
}
