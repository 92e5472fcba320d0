import CMatchKernel
import ExposureKeys
import ExposureNotification
import TestSupport

/// A path of the kernel, as an argument of tests.
struct KernelPath: Sendable, CustomStringConvertible {
    let number: UInt32

    var kernel: kt_kernel { kt_kernel(rawValue: kt_kernel.RawValue(number)) }
    var description: String { String(cString: kt_kernel_name(kernel)) }

    /// All that run here: at least the portable one.
    static let available = (0..<UInt32(KT_KERNELS)).map { KernelPath(number: $0) }
        .filter { kt_kernel_available($0.kernel) }
}

/// Keys, intervals, and the identifiers that swift-crypto makes of them.
struct KernelCase: Sendable {
    let keyCount: Int
    /// 16 bytes each.
    let keys: [UInt8]
    let intervals: [UInt32]
    /// 16 bytes each, by key, then by interval.
    let identifiers: [UInt8]

    init(keyCount: Int, intervals: [UInt32], seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let keys = (0..<keyCount).map { _ in KeyData(high: random.next(), low: random.next()) }
        self.keyCount = keyCount
        self.keys = keys.flatMap(\.bytes)
        self.intervals = intervals
        identifiers = keys.flatMap { key in
            RollingProximityKey(key: key).identifiers(at: intervals.map { Interval($0) }).flatMap(\.bytes)
        }
    }

    private init(_ whole: KernelCase, keyCount: Int, intervalCount: Int) {
        self.keyCount = keyCount
        keys = Array(whole.keys[..<(16 * keyCount)])
        intervals = Array(whole.intervals[..<intervalCount])
        identifiers = (0..<keyCount).flatMap { key in
            whole.identifiers[(16 * key * whole.intervals.count)...].prefix(16 * intervalCount)
        }
    }

    /// The same with the first keys and intervals only.
    func first(keys keyCount: Int, intervals intervalCount: Int) -> KernelCase {
        KernelCase(self, keyCount: keyCount, intervalCount: intervalCount)
    }

    /// A thousand random keys over a day whose intervals are in no order.
    static let thousand: KernelCase = {
        var random = SplitMix64(seed: 21)
        let intervals = (0..<KT_INTERVALS_MAX).map { _ in UInt32.random(in: 0 ... .max, using: &random) }
        return KernelCase(keyCount: 1000, intervals: intervals, seed: 22)
    }()
}

/// Memory for a C function to write to: at an odd address, between bytes that must stay as they are.
struct GuardedBytes {
    private var bytes: [UInt8]
    private let margin = 65
    private static let mark: UInt8 = 0xa5

    init(count: Int) {
        bytes = [UInt8](repeating: Self.mark, count: margin + count + margin)
    }

    /// What was written.
    var content: [UInt8] { Array(bytes[margin..<(bytes.count - margin)]) }
    /// Whether the bytes around it are as they were.
    var isIntact: Bool { (bytes.prefix(margin) + bytes.suffix(margin)).allSatisfy { $0 == Self.mark } }
    var isUntouched: Bool { bytes.allSatisfy { $0 == Self.mark } }

    mutating func withPointer<Result>(_ body: (UnsafeMutablePointer<UInt8>) -> Result) -> Result {
        bytes.withUnsafeMutableBufferPointer { buffer in
            // Arrays begin at even addresses, the margin is odd.
            guard let start = buffer.baseAddress else { preconditionFailure("the margins are never empty") }
            return body(start + margin)
        }
    }

    /// Bytes of `content` at an odd address.
    init(_ content: [UInt8]) {
        self.init(count: content.count)
        bytes.replaceSubrange(margin..<(margin + content.count), with: content)
    }
}
