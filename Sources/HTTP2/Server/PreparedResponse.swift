public import NIOCore

/// An answer that was put together before the request came, for what many ask for.
public struct PreparedResponse: Sendable {
    public let head: PreparedHead
    /// `cache-control`, beside the fields of the head; nil where they say it, or nothing does.
    public let freshness: Freshness?
    /// What `content-length` counts; nil where the status allows no body.
    public let body: ByteBuffer?

    public init(_ head: PreparedHead, _ freshness: Freshness? = nil, _ body: ByteBuffer? = nil) {
        self.head = head
        self.freshness = freshness
        self.body = body
    }

    /// The same answer as any other.
    public var handling: RequestHandling {
        var head = head.head
        if let freshness { head.fields.append("cache-control", freshness.description) }
        return .respond(head, body)
    }
}

/// For how long a cache may keep an answer: the part of a head that changes from second to second.
public struct Freshness: Sendable, Hashable, CustomStringConvertible {
    /// Seconds from now, 0 or more.
    public let maxAge: Int64
    /// It never changes, so that nobody need ask whether it did (RFC 8246).
    public let isImmutable: Bool

    public init(maxAge: Int64, isImmutable: Bool = false) {
        self.maxAge = max(0, maxAge)
        self.isImmutable = isImmutable
    }

    /// The value of `cache-control`.
    public var description: String {
        "public, max-age=\(maxAge)" + (isImmutable ? ", immutable" : "")
    }

    /// Bytes that `write` may need.
    package static let maximumBytes = 64

    /// Writes the value of `cache-control`.
    /// - Parameter bytes: `maximumBytes` of room.
    /// - Returns: how many were written.
    package func write(to bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        precondition(bytes.count >= Self.maximumBytes)
        var end = 0
        func add(_ text: StaticString) {
            let source = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[end...]).copyMemory(
                from: source
            )
            end += source.count
        }
        add("public, max-age=")
        var rest = UInt64(maxAge)
        var digits = 1
        var power: UInt64 = 10
        while rest >= power, digits < 19 {
            digits += 1
            power &*= 10
        }
        for place in (end..<end + digits).reversed() {
            bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        end += digits
        if isImmutable { add(", immutable") }
        return end
    }
}
