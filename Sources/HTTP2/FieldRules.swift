/// What may be sent as a header field: the grammar of RFC 9110, 5.1 and 5.5, so that no value given by a handler can
/// end its line or begin another field.
enum FieldRules {
    /// Fields that speak of one HTTP/1.1 connection, which HTTP/2 does not have (RFC 9113, 8.2.2).
    static func isConnectionSpecific(_ name: String) -> Bool {
        switch name {
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": true
        default: false
        }
    }

    /// Throws `invalidMessage` naming the first field that may not be sent.
    static func check(_ fields: HTTPFields) throws(HTTPError) {
        for (name, value) in fields {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw HTTPError(.invalidMessage, "the field name \"\(name)\" is not a token of RFC 9110")
            }
            guard value.utf8.allSatisfy(isValueByte) else {
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

    /// A token byte, uppercase letters excepted: names are lowercase here.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"): true
        case UInt8(ascii: "~"): true
        default: false
        }
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }
}
