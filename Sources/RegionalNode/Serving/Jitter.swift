internal import Synchronization

/// Numbers that spread evenly over 0..<1, whoever asks for them and however few they are: multiples of the golden ratio
/// without their whole part. Unlike random ones they cost no call of the system.
final class Jitter: Sendable {
    private let count = Atomic<UInt64>(UInt64.random(in: .min ... .max))

    func next() -> Double {
        let multiple = count.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        return Double(multiple >> 11) * 0x1p-53
    }
}
