import Crypto
import CryptoExtras
public import ExposureKeys

/// The key under which a temporary exposure key's rolling proximity identifiers are made (RPIK).
///
/// RPIK = HKDF-SHA256(exposure key, no salt, "EN-RPIK", 16 bytes); the identifier of an interval is the AES-128
/// encryption under it of "EN-RPI", six zero bytes, and the interval number, little-endian. Source: Exposure
/// Notification Cryptography Specification 1.2.
///
/// This is the plain form, for single keys and as the oracle of faster ones.
public struct RollingProximityKey: Sendable {
    private let key: SymmetricKey

    public init(key: KeyData) {
        self.key = ExposureKeyDerivation.derive(ExposureKeyDerivation.rollingProximity, from: key)
    }

    /// The identifier broadcast in `interval`. Whether the exposure key was in use then is not checked.
    public func identifier(at interval: Interval) -> ProximityIdentifier {
        let block = Block.encrypt(Block.padded(interval), under: key)
        return Block.identifier(block, at: 0)
    }

    /// The identifiers of consecutive intervals, in order.
    public func identifiers(in intervals: Range<Interval>) -> [ProximityIdentifier] {
        identifiers(at: (intervals.lowerBound.number..<intervals.upperBound.number).map { Interval($0) })
    }

    /// The identifiers of any intervals, in their order.
    ///
    /// swift-crypto offers single AES blocks only with a key schedule for each, which costs far more than the block.
    /// Decryption in cipher feedback mode is the way around: its output is E(previous input block) XOR this input
    /// block, and the input is ours, so one call encrypts any number of chosen blocks under one key schedule.
    public func identifiers(at intervals: [Interval]) -> [ProximityIdentifier] {
        guard let first = intervals.first else { return [] }
        var input = [UInt8](repeating: 0, count: 16 * intervals.count)
        for (position, interval) in intervals.dropFirst().enumerated() {
            Block.pad(interval, into: &input, at: 16 * position)
        }
        let output: [UInt8]
        do {
            let start = try AES._CFB.IV(ivBytes: Block.padded(first))
            output = [UInt8](try AES._CFB.decrypt(input, using: key, iv: start))
        } catch {
            preconditionFailure("AES refused a key or block of 16 bytes: \(error)")
        }
        return intervals.indices.map { position in
            let masked = Block.identifier(output, at: 16 * position)
            let mask = Block.identifier(input, at: 16 * position)
            return ProximityIdentifier(high: masked.high ^ mask.high, low: masked.low ^ mask.low)
        }
    }
}

/// AES blocks of 16 bytes.
enum Block {
    /// What is encrypted for an interval.
    static func padded(_ interval: Interval) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 16)
        pad(interval, into: &block, at: 0)
        return block
    }

    /// Writes what is encrypted for an interval over 16 zero bytes.
    static func pad(_ interval: Interval, into bytes: inout [UInt8], at start: Int) {
        for position in label.indices { bytes[start + position] = label[position] }
        for position in 0..<4 {
            bytes[start + 12 + position] = UInt8(truncatingIfNeeded: interval.number >> UInt32(8 * position))
        }
    }

    private static let label = Array("EN-RPI".utf8)

    static func encrypt(_ block: [UInt8], under key: SymmetricKey) -> [UInt8] {
        var block = block
        do {
            try AES.permute(&block, key: key)
        } catch {
            preconditionFailure("AES refused a key or block of 16 bytes: \(error)")
        }
        return block
    }

    static func identifier(_ bytes: [UInt8], at start: Int) -> ProximityIdentifier {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for position in start..<start + 8 {
            high = high << 8 | UInt64(bytes[position])
            low = low << 8 | UInt64(bytes[position + 8])
        }
        return ProximityIdentifier(high: high, low: low)
    }
}

/// Keys derived from a temporary exposure key.
enum ExposureKeyDerivation {
    static let rollingProximity = Array("EN-RPIK".utf8)
    static let associatedMetadata = Array("EN-AEMK".utf8)

    /// HKDF-SHA256 without a salt, 16 bytes: so few that one round of expansion is all.
    ///
    /// `HKDF` gives the same in twice the time, because it prepares the empty salt anew for each key.
    static func derive(_ purpose: [UInt8], from key: KeyData) -> SymmetricKey {
        var extraction = unsalted
        extraction.update(data: key.bytes)
        let pseudorandom = SymmetricKey(data: extraction.finalize())
        let expanded = HMAC<SHA256>.authenticationCode(for: purpose + [1], using: pseudorandom)
        return SymmetricKey(data: Array(expanded)[..<16])
    }

    private static let unsalted = HMAC<SHA256>(key: SymmetricKey(data: [UInt8](repeating: 0, count: 32)))
}
