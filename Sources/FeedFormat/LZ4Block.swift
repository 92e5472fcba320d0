internal import CLZ4

/// Decompresses one LZ4 block to a size known beforehand. A phone app that has its own block decoder passes it in
/// here instead of linking liblz4.
public struct BlockDecoder: Sendable {
    private let body: @Sendable (ArraySlice<UInt8>, Int) -> [UInt8]?

    /// - Parameter body: given a block and its exact decompressed size (1 to 8 MiB), returns that many bytes, or nil if
    ///   the block is damaged or decompresses to another size. It must never write more than that size.
    public init(_ body: @escaping @Sendable (ArraySlice<UInt8>, Int) -> [UInt8]?) {
        self.body = body
    }

    package func decode(_ block: ArraySlice<UInt8>, size: Int) -> [UInt8]? { body(block, size) }

    /// liblz4's bounds-checked block decoder.
    public static let liblz4 = BlockDecoder { block, size in
        var written: Int32 = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { output, count in
            block.withUnsafeBytes { input in
                written = LZ4_decompress_safe(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(clamping: input.count),
                    Int32(clamping: size)
                )
            }
            count = max(0, min(Int(written), size))
        }
        return Int(written) == size ? bytes : nil
    }
}

/// LZ4 block compression through liblz4.
package enum LZ4Block {
    /// The compressed block, or nil if it would not be smaller than the bytes by at least `margin`.
    package static func compress(_ bytes: [UInt8], margin: Int = 1) -> [UInt8]? {
        let capacity = bytes.count - margin
        guard capacity > 0, bytes.count <= FormatLimits.sectionBytes else { return nil }
        var written: Int32 = 0
        let block = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            bytes.withUnsafeBytes { input in
                written = LZ4_compress_default(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(input.count),
                    Int32(capacity)
                )
            }
            count = max(0, Int(written))
        }
        return written > 0 ? block : nil
    }
}
