internal import Crypto
public import ExposureKeys

/// The schedule of Bluezone 3: an identifier of 12 bytes for each quarter of an hour of a day in UTC. Each sub-key of the
/// day is the SHA-256 of the one before.
public struct BluezoneSchedule: KeySchedule {
    public static let slotSeconds: Int64 = 900

    public init() {}

    public func identifiers(of key: BluezoneDayKey, in slots: [Int]) -> [BluezoneIdentifier] {
        var subKey = key.firstSubKey
        var position = 0
        return slots.map { slot in
            precondition((position..<BluezoneSchedule.slotsPerDay).contains(slot), "slots are a day's and ascend")
            while position < slot {
                subKey = subKey.next
                position += 1
            }
            return BluezoneIdentifier(subKey)
        }
    }

    private static let slotsPerDay = 96
}

extension BluezoneSubKey {
    /// The sub-key of the quarter of an hour after this one, as long as it is of the same day.
    public var next: BluezoneSubKey {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 4) { buffer in
            buffer[0] = words.0.bigEndian
            buffer[1] = words.1.bigEndian
            buffer[2] = words.2.bigEndian
            buffer[3] = words.3.bigEndian
            var hasher = SHA256()
            hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return BluezoneSubKey(hasher.finalize())
        }
    }

    init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { bytes in
            func word(_ number: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * number, as: UInt64.self))
            }
            return BluezoneSubKey(word(0), word(1), word(2), word(3))
        }
    }
}
