/// Reads the fields of one protobuf message out of a byte array, without copying.
///
/// swift-protobuf is not used: pure targets stay free of it, and a generated decoder allocates for each key, while this
/// one has to decode well over three million keys a second on one core, so that an export of half a million keys costs
/// a node a fraction of a second. What is here knows wire types and nothing of schemas; `ExportMessage` and
/// `ExportEntry` name the fields.
struct MessageReader {
    /// A field's content by wire type.
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        /// Where the bytes of a string, of bytes or of a message lie in the array.
        case bytes(Range<Int>)
        case fixed32(UInt32)
    }

    let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// - Parameter range: where the message lies in `bytes`; must be inside it.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field, or nil at the message's end. Fields that the caller does not know are simply passed over.
    /// - Throws: `malformedMessage` for a field that does not end inside the message, a varint of more than 64 bits, a
    ///   field number that is not 1...2^29-1, and for groups, which no export uses.
    mutating func next() throws(ExportError) -> (number: UInt32, value: Value)? {
        if position == end { return nil }
        let start = position
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >= 8 else {
            throw malformed("no valid field number", at: start)
        }
        let number = UInt32(truncatingIfNeeded: tag) >> 3
        switch tag & 7 {
        case 0:
            return (number, .varint(try varint()))
        case 1:
            return (number, .fixed64(try fixed(byteCount: 8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - position) else {
                throw malformed("field \(number) is longer than its message", at: start)
            }
            let range = position..<position + Int(length)
            position = range.upperBound
            return (number, .bytes(range))
        case 5:
            return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(byteCount: 4))))
        default:
            throw malformed("field \(number) has wire type \(tag & 7)", at: start)
        }
    }

    private mutating func varint() throws(ExportError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            // The tenth byte holds bit 63 alone.
            if shift == 63, byte > 1 { throw malformed("a varint of more than 64 bits", at: start) }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw malformed("a varint is cut short", at: start)
    }

    private mutating func fixed(byteCount: Int) throws(ExportError) -> UInt64 {
        guard end - position >= byteCount else { throw malformed("a fixed field is cut short", at: position) }
        var value: UInt64 = 0
        for offset in 0..<byteCount {
            value |= UInt64(bytes[position + offset]) << UInt64(8 * offset)
        }
        position += byteCount
        return value
    }

    private func malformed(_ what: String, at position: Int) -> ExportError {
        ExportError(.malformedMessage, "\(what) (byte \(position)); fetch the archive again or tell its publisher")
    }
}

extension MessageReader {
    /// Strings in export files are short labels; a longer one is refused. In bytes.
    static let longestText = 256

    /// A string of the message.
    func text(at range: Range<Int>) throws(ExportError) -> String {
        guard range.count <= MessageReader.longestText, let text = String(validating: bytes[range], as: UTF8.self)
        else {
            throw malformed("a string of \(range.count) bytes is too long or not UTF-8", at: range.lowerBound)
        }
        return text
    }
}
