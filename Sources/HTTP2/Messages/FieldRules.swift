/// What may be sent as a header field: the grammar of RFC 9110, 5.1 and 5.5, so that no value given by a handler can
/// end its line or begin another field.
enum FieldRules {
    /// Fields that speak of one HTTP/1.1 connection, which HTTP/2 does not have (RFC 9113, 8.2.2).
    static func isConnectionSpecific(_ name: String) -> Bool {
        // The length rules most names out without comparing them.
        switch name.utf8.count {
        case 7: name == "upgrade"
        case 10: name == "connection" || name == "keep-alive"
        case 16: name == "proxy-connection"
        case 17: name == "transfer-encoding"
        default: false
        }
    }

    /// Throws `invalidMessage` naming the first field that may not be sent.
    static func check(_ fields: HTTPFields) throws(HTTPError) {
        for (name, value) in fields {
            guard isToken(name) else {
                throw HTTPError(.invalidMessage, "the field name \"\(name)\" is not a token of RFC 9110")
            }
            guard isValue(value) else {
                throw HTTPError(.invalidMessage, "the value of the field \"\(name)\" contains a control character")
            }
        }
    }

    static func check(_ head: ResponseHead) throws(HTTPError) {
        guard (200...599).contains(head.status) else {
            throw HTTPError(.invalidMessage, "\(head.status) is not the status of a final response: use 200...599")
        }
        try check(head.fields)
    }

    static func check(_ head: RequestHead) throws(HTTPError) {
        guard !head.method.isEmpty, head.method.utf8.allSatisfy({ isTokenByte($0) || isUppercase($0) }) else {
            throw HTTPError(.invalidMessage, "the method \"\(head.method)\" is not a token of RFC 9110")
        }
        guard !head.path.isEmpty, head.path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPError(.invalidMessage, "the path \"\(head.path)\" is empty or has characters to percent-encode")
        }
        guard head.authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPError(.invalidMessage, "the authority \"\(head.authority)\" has characters no host name has")
        }
        try check(head.fields)
    }

    private static func isUppercase(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// A token of RFC 9110, 5.6.2, in lowercase.
    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty && all(name) { isTokenByte($0) }
    }

    private static func isValue(_ value: String) -> Bool {
        all(value) { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    /// Looks at every byte without stopping early, which is faster for what is nearly always valid.
    @inline(__always)
    private static func all(_ text: String, _ isAllowed: (UInt8) -> Bool) -> Bool {
        func check(_ bytes: some Sequence<UInt8>) -> Bool {
            var isValid = true
            for byte in bytes {
                isValid = isAllowed(byte) && isValid
            }
            return isValid
        }
        return text.utf8.withContiguousStorageIfAvailable { check($0) } ?? check(text.utf8)
    }

    /// One bit for each ASCII character from 0 and from 64: `!#$%&'*+-.` and digits; ``^_`|~`` and lowercase letters.
    private static let lowTokenBits: UInt64 = 0x03FF_6CFA_0000_0000
    private static let highTokenBits: UInt64 = 0x57FF_FFFF_C000_0000

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte < 128 && ((byte < 64 ? lowTokenBits : highTokenBits) >> UInt64(byte & 63)) & 1 == 1
    }
}
