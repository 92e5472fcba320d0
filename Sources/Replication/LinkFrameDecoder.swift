public import FeedFormat
import ExposureKeys

/// Cuts a stream of bytes into frames; holds at most one incomplete frame.
public struct LinkFrameDecoder: Sendable {
    private var pending: [UInt8] = []
    private var consumed = 0

    public init() {}

    /// Bytes allocated for what has come of a frame.
    public var heldBytes: Int { pending.capacity }

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if consumed == pending.count {
            // Nothing is left: a large frame that was here leaves its memory, too.
            pending.removeAll(keepingCapacity: pending.capacity <= 64 << 10)
            consumed = 0
        }
        if consumed > 0 {
            pending.removeFirst(consumed)
            consumed = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next complete frame, nil if more bytes are needed.
    /// - Throws: `FormatError`; the link cannot go on after that.
    public mutating func next() throws(FormatError) -> LinkFrame? {
        guard pending.count - consumed >= 4 else { return nil }
        let length = pending[consumed..<consumed + 4].reduce(0) { $0 << 8 | Int($1) }
        guard (2...LinkFrame.maximumSize).contains(length) else {
            throw FormatError(
                .limitExceeded,
                "a link frame of \(length) bytes; 2 to \(LinkFrame.maximumSize) are allowed"
            )
        }
        guard pending.count - consumed - 4 >= length else { return nil }
        let frame = pending[(consumed + 4)..<(consumed + 4 + length)]
        consumed += 4 + length
        return try LinkFrame(frame)
    }
}
