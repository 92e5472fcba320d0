/// Field blocks by hand (RFC 7541, 6). Only what needs no state: the tests write other bytes out.
enum Block {
    /// A literal without indexing whose name and value are written out.
    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0x00] + string(name) + string(value)
    }

    /// A literal that enters the dynamic table.
    static func indexed(_ name: String, _ value: String) -> [UInt8] {
        [0x40] + string(name) + string(value)
    }

    /// A string without Huffman coding (5.2).
    static func string(_ text: String) -> [UInt8] {
        integer(text.utf8.count, prefix: 7, first: 0) + Array(text.utf8)
    }

    /// An integer (5.1) after the bits of `first`.
    static func integer(_ value: Int, prefix: Int, first: UInt8) -> [UInt8] {
        let limit = 1 << prefix - 1
        guard value >= limit else { return [first | UInt8(value)] }
        var bytes = [first | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    /// `:method`, `:scheme: http`, `:path`, `:authority: x`.
    static func request(_ method: String = "GET", _ path: String = "/", _ extra: [UInt8] = []) -> [UInt8] {
        let head = literal(":method", method) + [0x86] + literal(":path", path) + literal(":authority", "x")
        return head + extra
    }
}

extension Frame {
    /// HEADERS with these fields.
    static func headers(_ fields: [UInt8], stream: UInt32 = 1, isEnd: Bool = true) -> [UInt8] {
        make(type: 1, flags: isEnd ? 0x5 : 0x4, stream: stream, fields)
    }

    static func continuation(_ fields: [UInt8], stream: UInt32 = 1, isEnd: Bool = true) -> [UInt8] {
        make(type: 9, flags: isEnd ? 0x4 : 0, stream: stream, fields)
    }

    static func ping(_ number: UInt32, isAck: Bool = false) -> [UInt8] {
        make(type: 6, flags: isAck ? 1 : 0, stream: 0, bytes(0) + bytes(number))
    }
}
