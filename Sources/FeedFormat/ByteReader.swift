import ExposureKeys

/// Reads a value off the front of bytes; every read is checked against what is left.
package struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    package private(set) var position: Int
    private let what: StaticString

    /// - Parameter what: the thing being read, for error messages.
    package init(_ bytes: ArraySlice<UInt8>, reading what: StaticString) {
        self.bytes = bytes
        self.position = bytes.startIndex
        self.what = what
    }

    package var remaining: Int { bytes.endIndex - position }

    /// Offset from the first byte, for error messages.
    package var offset: Int { position - bytes.startIndex }

    package mutating func byte() throws(FormatError) -> UInt8 {
        try require(1)
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func take(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
        try require(count)
        defer { position += count }
        return bytes[position..<position + count]
    }

    package mutating func uint32() throws(FormatError) -> UInt32 {
        try take(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    package mutating func uint64() throws(FormatError) -> UInt64 {
        try take(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// An unsigned LEB128 number in its shortest form.
    package mutating func varint() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let next = try byte()
            if shift == 63, next > 1 { throw error(.outOfRange, "a number exceeds 64 bits") }
            value |= UInt64(next & 0x7f) << UInt64(shift)
            if next < 0x80 {
                if next == 0, shift > 0 { throw error(.notCanonical, "a number is not in its shortest form") }
                return value
            }
        }
        throw error(.outOfRange, "a number exceeds 64 bits")
    }

    /// A varint that must not exceed `limit`.
    package mutating func varint(upTo limit: Int, _ meaning: @autoclosure () -> String) throws(FormatError) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else {
            throw error(.limitExceeded, "\(meaning()) is \(value), more than \(limit)")
        }
        return Int(value)
    }

    package func expectEnd() throws(FormatError) {
        guard remaining == 0 else { throw error(.trailingBytes, "the end is followed by \(remaining.counted("byte"))") }
    }

    package func error(_ code: FormatError.Code, _ reason: String) -> FormatError {
        FormatError(code, "\(what), byte \(offset): \(reason)")
    }

    private func require(_ count: Int) throws(FormatError) {
        guard count >= 0, count <= remaining else {
            throw error(.truncated, "of \(count.counted("byte")) needed \(remaining) are left")
        }
    }
}

extension [UInt8] {
    package mutating func append(bigEndian value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    package mutating func append(bigEndian value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    /// Appends an unsigned LEB128 number in its shortest form.
    package mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
