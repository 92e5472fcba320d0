/// Trigonometry in integers, so that distances are the same on every machine. Numbers are fractions of 2^30; angles in
/// radians of that scale. Good to about a part in ten million.
enum FixedPoint {
    static let one: Int64 = 1 << 30
    /// Half of π.
    private static let rightAngle: Int64 = 1_686_629_713

    static func multiply(_ left: Int64, _ right: Int64) -> Int64 { (left * right) >> 30 }

    /// - Parameter hundredths: an angle in hundredths of a degree, within a full turn either way.
    static func radians(hundredths: Int64) -> Int64 { hundredths * 2 * rightAngle / 18_000 }

    /// - Parameter angle: within a full turn either way.
    static func sine(_ angle: Int64) -> Int64 {
        var angle = angle
        if angle > 2 * rightAngle { angle -= 4 * rightAngle }
        if angle < -2 * rightAngle { angle += 4 * rightAngle }
        if angle > rightAngle { angle = 2 * rightAngle - angle }
        if angle < -rightAngle { angle = -2 * rightAngle - angle }
        let square = multiply(angle, angle)
        var term = angle
        var sum = angle
        for factor in [6, 20, 42, 72, 110, 156] as [Int64] {
            term = -multiply(term, square) / factor
            sum += term
        }
        return sum
    }

    static func cosine(_ angle: Int64) -> Int64 { sine(rightAngle - angle) }

    /// - Parameter value: from 0 to 1.
    static func arcsine(_ value: Int64) -> Int64 {
        // Near 1 the series is slow; half the angle is not.
        if value > one / 2 { return rightAngle - 2 * arcsine(root((one - value) / 2)) }
        let square = multiply(value, value)
        var power = value
        var sum = value
        for order in 1...12 as ClosedRange<Int64> {
            power = multiply(power, square) * (2 * order - 1) / (2 * order)
            sum += power / (2 * order + 1)
        }
        return sum
    }

    /// Square root of a fraction.
    static func root(_ value: Int64) -> Int64 {
        guard value > 0 else { return 0 }
        let target = value << 30
        var low: Int64 = 0
        var high: Int64 = 1 << 31
        while low + 1 < high {
            let middle = (low + high) / 2
            if middle * middle <= target { low = middle } else { high = middle }
        }
        return low
    }
}
