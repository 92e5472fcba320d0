internal import CNghttp2
internal import NIOCore

/// The head of an answer in the form in which nghttp2 takes it, checked once.
public final class PreparedHead: @unchecked Sendable {
    // Sendable: all is written by `init` only, and nothing points to it after `deinit`.

    /// The head that it stands for.
    public let head: ResponseHead
    /// Names and values that are not `common`.
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    /// `:status` and the fields; they point to constants and to `bytes`.
    private let fields: UnsafeMutableBufferPointer<nghttp2_nv>

    /// - Parameters:
    ///   - head: with all fields but `cache-control`, where that changes. A head that may not be sent becomes a bare
    ///     500, as it does with any other answer.
    ///   - bodyBytes: size of the body that goes with it; sets `content-length` where the status allows a body.
    public init(_ head: ResponseHead, bodyBytes: Int = 0) {
        let isValid: Bool
        do throws(HTTPError) {
            try FieldRules.check(head)
            isValid = true
        } catch {
            isValid = false
        }
        self.head = (isValid ? head : ResponseHead(status: 500)).framed(bodyBytes: bodyBytes)
        var list = [(":status", String(self.head.status))]
        for (name, value) in self.head.fields where !FieldRules.isConnectionSpecific(name) {
            list.append((name, value))
        }
        bytes = .allocate(capacity: list.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count })
        fields = .allocate(capacity: list.count)
        var end = 0
        for (position, (name, value)) in list.enumerated() {
            let name = PreparedHead.place(name, in: bytes, at: &end)
            let value = PreparedHead.place(value, in: bytes, at: &end)
            let flags =
                (name.isConstant ? NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue : 0)
                | (value.isConstant ? NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue : 0)
            let field = nghttp2_nv(
                name: name.start,
                value: value.start,
                namelen: name.count,
                valuelen: value.count,
                flags: UInt8(flags)
            )
            fields.initializeElement(at: position, to: field)
        }
    }

    deinit {
        // nghttp2 has copied what is not constant when it took it.
        fields.deallocate()
        bytes.deallocate()
    }

    private struct Place {
        let start: UnsafeMutablePointer<UInt8>?
        let count: Int
        let isConstant: Bool
    }

    private static func place(
        _ text: String,
        in bytes: UnsafeMutableBufferPointer<UInt8>,
        at end: inout Int
    ) -> Place {
        let count = text.utf8.count
        if let constant = common.first(where: { $0.description == text }) {
            return Place(start: UnsafeMutablePointer(mutating: constant.utf8Start), count: count, isConstant: true)
        }
        _ = UnsafeMutableBufferPointer(rebasing: bytes[end...]).initialize(from: text.utf8)
        defer { end += count }
        return Place(start: bytes.baseAddress.map { $0 + end }, count: count, isConstant: false)
    }

    /// Names and values that stand in the program itself, so that nghttp2 need not copy them.
    private static let common: [StaticString] = [
        ":status", "200", "304", "content-type", "application/octet-stream", "text/plain; charset=utf-8",
        "content-length", "etag", "cache-control",
    ]

    /// Calls `body` with the array that nghttp2 takes, valid during the call.
    @inline(__always)
    func withFields<Result>(
        _ freshness: Freshness?,
        _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        guard let freshness else { return body(fields.baseAddress, fields.count) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Freshness.maximumBytes) { text in
            withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count + 1) { all in
                _ = all.initialize(fromContentsOf: fields)
                let field = nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: PreparedHead.cacheControl.utf8Start),
                    value: text.baseAddress,
                    namelen: PreparedHead.cacheControl.utf8CodeUnitCount,
                    valuelen: freshness.write(to: text),
                    flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)
                )
                all.initializeElement(at: fields.count, to: field)
                return body(all.baseAddress, all.count)
            }
        }
    }

    private static let cacheControl: StaticString = "cache-control"
}
