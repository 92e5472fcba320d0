import CZlib

/// Raw deflate streams and CRC-32, through the system's zlib.
enum Deflate {
    /// Deflate's best ratio is 1032 to 1, so a stream cannot stand for more than that.
    static let greatestRatio = 1032

    /// Inflates exactly one stream.
    /// - Parameters:
    ///   - stream: all bytes of the stream, and nothing else.
    ///   - size: the size it must inflate to; so many bytes are allocated, and no more are ever written.
    /// - Returns: nil unless `stream` is one whole deflate stream of `size` bytes.
    static func inflate(_ stream: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        guard size >= 0, let inputCount = uInt(exactly: stream.count), let outputCount = uInt(exactly: size),
            // zlib refuses a null output pointer, which is what an empty buffer has.
            size > 0 || isEmptyStream(stream)
        else { return nil }
        if size == 0 { return [] }
        var isWhole = false
        let output = [UInt8](unsafeUninitializedCapacity: size) { output, initialized in
            stream.withUnsafeBufferPointer { input in
                var state = z_stream()
                guard czlib_inflateInit2(&state, -MAX_WBITS) == Z_OK else { return }
                defer { inflateEnd(&state) }
                // zlib's field is not const, though it only reads.
                state.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                state.avail_in = inputCount
                state.next_out = output.baseAddress
                state.avail_out = outputCount
                let result = CZlib.inflate(&state, Z_FINISH)
                isWhole = result == Z_STREAM_END && state.avail_in == 0 && state.avail_out == 0
                initialized = size - Int(state.avail_out)
            }
        }
        return isWhole ? output : nil
    }

    /// One raw deflate stream of `bytes`. The output is the same for the same zlib.
    /// - Returns: nil if zlib has no memory.
    static func deflate(_ bytes: [UInt8]) -> [UInt8]? {
        var state = z_stream()
        guard let inputCount = uInt(exactly: bytes.count),
            czlib_deflateInit2(&state, Z_BEST_COMPRESSION, -MAX_WBITS) == Z_OK
        else { return nil }
        defer { deflateEnd(&state) }
        let bound = Int(deflateBound(&state, uLong(inputCount)))
        var isWhole = false
        let output = [UInt8](unsafeUninitializedCapacity: bound) { output, initialized in
            bytes.withUnsafeBufferPointer { input in
                state.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                state.avail_in = inputCount
                state.next_out = output.baseAddress
                state.avail_out = uInt(clamping: output.count)
                isWhole = CZlib.deflate(&state, Z_FINISH) == Z_STREAM_END
                initialized = Int(state.total_out)
            }
        }
        return isWhole ? output : nil
    }

    /// CRC-32 as ZIP has it.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBufferPointer { UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count)) }
    }

    private static func isEmptyStream(_ stream: ArraySlice<UInt8>) -> Bool {
        // One final block without content: with fixed codes, or stored.
        stream.elementsEqual([0x03, 0x00]) || stream.elementsEqual([0x01, 0x00, 0x00, 0xff, 0xff])
    }
}
