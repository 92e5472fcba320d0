/// The one source of chance in a simulation: Steele, Lea and Flood's SplitMix64. Streams with names of their own keep a
/// change in one part of a plan from changing what is drawn in another.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64, stream: UInt64 = 0) {
        state = seed
        let first = next()
        state = first ^ (stream &* 0xd6e8_feb8_6659_fd93)
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// 0 to `limit` - 1; 0 if there is nothing to choose from.
    mutating func below(_ limit: Int) -> Int {
        limit > 1 ? Int(next() % UInt64(limit)) : 0
    }

    mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True `part` times of 1000.
    mutating func chance(_ part: Int) -> Bool { below(1000) < part }
}
