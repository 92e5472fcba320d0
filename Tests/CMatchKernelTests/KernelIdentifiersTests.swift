import CMatchKernel
import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

struct KernelIdentifiersTests {
    /// Runs a path over input at odd addresses; nil if it refuses, or writes beyond what it should.
    static func identifiers(_ path: KernelPath, _ input: KernelCase) -> [UInt8]? {
        var keys = GuardedBytes(input.keys)
        var output = GuardedBytes(count: input.identifiers.count)
        let ran = keys.withPointer { keys in
            output.withPointer { output in
                kt_identifiers(path.kernel, keys, input.keyCount, input.intervals, input.intervals.count, output)
            }
        }
        return ran && output.isIntact && keys.content == input.keys ? output.content : nil
    }

    @Test(arguments: KernelPath.available)
    func allCountsAreAsSwiftCryptoHasThem(path: KernelPath) {
        for keyCount in [0, 1, 2, 3, 31, 32, 33, 1000] {
            for intervalCount in [0, 1, 7, 8, 143, 144] {
                let input = KernelCase.thousand.first(keys: keyCount, intervals: intervalCount)
                #expect(
                    Self.identifiers(path, input) == input.identifiers,
                    "\(path), \(keyCount) keys, \(intervalCount) intervals"
                )
            }
        }
    }

    /// The published test vectors of specification 1.2.
    static let publishedKey = KeyData(high: 0x75c7_34c6_dd1a_782d, low: 0xe7a9_65da_5eb9_3125)
    static let vectors = ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"]

    static func published(_ path: KernelPath, at intervals: [UInt32]) -> [String] {
        var output = [UInt8](repeating: 0, count: 16 * intervals.count)
        guard kt_identifiers(path.kernel, publishedKey.bytes, 1, intervals, intervals.count, &output) else { return [] }
        return intervals.indices.map { position in
            output[(16 * position)..<(16 * position + 16)].map { String(format: "%02x", $0) }.joined()
        }
    }

    @Test(arguments: KernelPath.available)
    func firstAndLastAreThePublishedOnes(path: KernelPath) {
        #expect(
            Self.published(path, at: [2_642_976, 2_643_119]) == [
                "8be6cd371c5c891604bfbe49df845096", "f431b62ecf443102ce4ed0407de54bd4",
            ]
        )
    }

    private struct Vectors: Decodable {
        struct Line: Decodable {
            let enin: UInt32
            let rpi: String
        }
        let intervals: [Line]
    }

    @Test(
        .enabled(if: vectors != nil, "set KEYTIDE_VECTORS to the directory with the published vectors"),
        arguments: KernelPath.available
    )
    func allPublishedVectorsHold(path: KernelPath) throws {
        let file = URL(fileURLWithPath: "\(Self.vectors ?? ".")/exposure-notification-crypto.json")
        let lines = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).intervals
        #expect(lines.count == 144)
        #expect(Self.published(path, at: lines.map(\.enin)) == lines.map(\.rpi))
    }

    @Test(arguments: KernelPath.available)
    func nothingIsKeptWithoutMemoryForIt(path: KernelPath) {
        let input = KernelCase.thousand.first(keys: 33, intervals: 144)
        #expect(kt_identifiers(path.kernel, input.keys, 33, input.intervals, 144, nil))
    }

    @Test(arguments: KernelPath.available)
    func moreIntervalsThanADayAreRefused(path: KernelPath) {
        let intervals = [UInt32](repeating: 7, count: Int(KT_INTERVALS_MAX) + 1)
        var output = GuardedBytes(count: 16 * intervals.count)
        let ran = output.withPointer {
            kt_identifiers(path.kernel, Self.publishedKey.bytes, 1, intervals, intervals.count, $0)
        }
        #expect(!ran && output.isUntouched)
    }

    @Test func thePathsAreKnown() {
        #expect(kt_kernel_available(KT_PORTABLE))
        #expect(kt_kernel_available(kt_kernel_best()))
        #expect(kt_kernel_best().rawValue == KernelPath.available.map(\.kernel.rawValue).max())
        let names = Set((0..<UInt32(KT_KERNELS)).map { KernelPath(number: $0).description })
        #expect(names.count == Int(KT_KERNELS) && !names.contains("unknown"))
        for number in [UInt32(KT_KERNELS), .max] {
            let unknown = KernelPath(number: number)
            #expect(!kt_kernel_available(unknown.kernel) && unknown.description == "unknown")
            #expect(!kt_identifiers(unknown.kernel, Self.publishedKey.bytes, 1, [7], 1, nil))
        }
        #if arch(x86_64) && os(Linux)
            let flags = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
            let hasAll = ["sha_ni", "aes", "vaes", "avx512f", "avx512bw", "avx512vl"].allSatisfy {
                flags.contains(" \($0) ")
            }
            #expect(kt_kernel_available(KT_X86_AVX512) == hasAll)
        #endif
    }
}
