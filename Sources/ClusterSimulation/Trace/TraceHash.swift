/// FNV-1a over everything that happens: two runs of one plan must give the same.
struct TraceHash: Equatable, Sendable {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func mix(_ number: UInt64) {
        var number = number
        for _ in 0..<8 {
            value = (value ^ (number & 0xff)) &* 0x100_0000_01b3
            number >>= 8
        }
    }

    mutating func mix(_ number: Int64) { mix(UInt64(bitPattern: number)) }

    /// Length, beginning and end of some bytes.
    mutating func mix(_ bytes: [UInt8]) {
        mix(UInt64(bytes.count))
        for byte in bytes.prefix(32) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in bytes.suffix(16) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
}
