import TestSupport

/// Alters bytes the way damage and malice do: bits, bytes, stretches that are missing, doubled, foreign or too long.
struct Mutator {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// - Parameter other: bytes from which stretches may be taken.
    mutating func mutate(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let position = Int.random(in: 0...result.count, using: &generator)
            let length = min(Int.random(in: 1...24, using: &generator), result.count - position)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0 where position < result.count:
                result[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where position < result.count:
                result[position] = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a].randomElement(using: &generator) ?? 0
            case 2 where position < result.count:
                result[position] = UInt8.random(in: 0...255, using: &generator)
            case 3: result.removeSubrange(position..<position + length)
            case 4: result.insert(contentsOf: result[position..<position + length], at: position)
            case 5: result.insert(contentsOf: generator.bytes(Int.random(in: 1...12, using: &generator)), at: position)
            case 6:
                let start = Int.random(in: 0...other.count, using: &generator)
                result.replaceSubrange(position..<position + length, with: other[start...].prefix(24))
            case 7 where Int.random(in: 0..<4, using: &generator) == 0: result.removeSubrange(position...)
            default: break
            }
        }
        return result
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &generator) }
}
