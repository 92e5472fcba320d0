public import FeedFormat
import ExposureKeys

/// Cuts a stream of bytes into frames; holds at most one incomplete frame.
public struct LinkFrameDecoder: Sendable {
    private var pending: [UInt8] = []
    private var consumed = 0
    /// What is left of a frame that was cut.
    private var pieces: [LinkFrame] = []

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

    /// What the next complete frame costs, before it is read; nil if more bytes are needed.
    /// - Throws: `FormatError`; the link cannot go on after that.
    public func nextCost() throws(FormatError) -> FrameCost? {
        if !pieces.isEmpty { return FrameCost(bytes: 0, inflatedBytes: 0) }
        guard let frame = try nextFrame() else { return nil }
        return FrameCost(bytes: frame.count + 4, inflatedBytes: try LinkFrame.inflatedSize(of: frame))
    }

    /// The next complete frame, nil if more bytes are needed. One with very many adverts comes in pieces, so that other
    /// links have their turn between them.
    /// - Throws: `FormatError`; the link cannot go on after that.
    public mutating func next() throws(FormatError) -> LinkFrame? {
        if !pieces.isEmpty { return pieces.removeFirst() }
        guard let bytes = try nextFrame() else { return nil }
        consumed += 4 + bytes.count
        let frame = try LinkFrame(bytes)
        guard case .adverts(let adverts) = frame, adverts.count > LinkFrameDecoder.advertsAtOnce else { return frame }
        for start in stride(from: 0, to: adverts.count, by: LinkFrameDecoder.advertsAtOnce) {
            pieces.append(.adverts(Array(adverts[start..<min(start + LinkFrameDecoder.advertsAtOnce, adverts.count)])))
        }
        return pieces.removeFirst()
    }

    /// As many as a node sends in one frame.
    private static let advertsAtOnce = 1024

    /// The bytes after the next frame's length.
    private func nextFrame() throws(FormatError) -> ArraySlice<UInt8>? {
        guard pending.count - consumed >= 4 else { return nil }
        let length = pending[consumed..<consumed + 4].reduce(0) { $0 << 8 | Int($1) }
        guard (2...LinkFrame.maximumSize).contains(length) else {
            throw FormatError(
                .limitExceeded,
                "a link frame of \(length.counted("byte")); 2 to \(LinkFrame.maximumSize) are allowed"
            )
        }
        guard pending.count - consumed - 4 >= length else { return nil }
        return pending[(consumed + 4)..<(consumed + 4 + length)]
    }
}
