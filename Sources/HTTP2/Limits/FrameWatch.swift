package import NIOCore

/// Follows the frames that a peer sends (RFC 9113, 4.1), before anything else looks at them, and keeps their budgets.
/// It sees the frame headers only: what a frame means, and whether it is allowed, is nghttp2's to say, but for what that
/// passes over (`PeerStreams.Misplaced`).
///
/// After a limit was exceeded the connection is to be ended, and nothing more asked of this.
package struct FrameWatch {
    /// The largest payload that we take (RFC 9113, 4.2). nghttp2 refuses a larger one as what it is.
    private static let maxFrameSize = 16_384

    /// Bytes of preface or payload to pass over.
    private var skip: Int
    /// A frame header that came in part: its first 8 bytes, and how many bytes of it are there.
    private var header: UInt64 = 0
    /// The ninth byte: the last of the stream's number.
    private var lastByte: UInt8 = 0
    private var headerBytes = 0
    private var isData = false
    private var isInHeaderBlock = false
    private var continuations = 0
    /// When the frame, or the header block, that is arriving began.
    private var begun: NIODeadline
    /// What the peer has earned WINDOW_UPDATE frames with: bytes sent to it, and 4096 for each head.
    private var credit = 0
    /// Nil at a client, whose streams are its own.
    private var streams: PeerStreams?
    /// The first frame that is where it may not be.
    package private(set) var misplaced: PeerStreams.Misplaced?

    private var resets = FrameBudget()
    private var provokedResets = FrameBudget()
    private var pings = FrameBudget()
    private var settings = FrameBudget()
    private var emptyFrames = FrameBudget()
    private var priorities = FrameBudget()
    private var windowUpdates = FrameBudget()
    private var unknownFrames = FrameBudget()
    private var informational = FrameBudget()

    /// - Parameters:
    ///   - prefaceBytes: what comes before the first frame: 24 bytes from a client, none from a server.
    ///   - now: from when on the preface is waited for.
    package init(prefaceBytes: Int, now: NIODeadline) {
        skip = prefaceBytes
        begun = now
        streams = prefaceBytes > 0 ? PeerStreams() : nil
    }

    /// Bytes were sent to the peer.
    package mutating func sent(_ count: Int) {
        credit += count
    }

    /// The preface, a frame other than DATA, or a header block is not there to its end, and has been awaited for `limit`.
    package func isOverdue(now: NIODeadline, limit: TimeAmount) -> Bool {
        let isPartial = headerBytes > 0 || isInHeaderBlock || (skip > 0 && !isData)
        return isPartial && now - begun >= limit
    }

    /// Follows the next bytes; the limit that the peer exceeds with them, if it does.
    package mutating func received(_ bytes: UnsafeRawBufferPointer, _ rates: FrameRates, now: NIODeadline)
        -> TransportLimit?
    {
        var position = 0
        while true {
            let passed = min(skip, bytes.count - position)
            position += passed
            skip -= passed
            guard position < bytes.count else { return nil }
            guard readHeader(bytes, &position, now: now) else { return nil }
            if let limit = judge(rates, now: now) {
                return limit
            }
        }
    }

    /// Reads the nine bytes of a frame header, as far as they are there; true when they are.
    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, now: NIODeadline) -> Bool {
        if headerBytes == 0 {
            if !isInHeaderBlock {
                begun = now
            }
            if bytes.count - position >= 9 {
                header = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                lastByte = bytes[position + 8]
                position += 9
                return true
            }
            header = 0
        }
        while headerBytes < 9, position < bytes.count {
            if headerBytes < 8 {
                header = header << 8 | UInt64(bytes[position])
            } else {
                lastByte = bytes[position]
            }
            headerBytes += 1
            position += 1
        }
        guard headerBytes == 9 else { return false }
        headerBytes = 0
        return true
    }

    /// What to make of the frame whose header was read.
    private mutating func judge(_ rates: FrameRates, now: NIODeadline) -> TransportLimit? {
        let length = Int(header >> 40)
        let flags = UInt8(truncatingIfNeeded: header >> 24)
        skip = length
        isData = false
        note(flags)
        switch UInt8(truncatingIfNeeded: header >> 32) {
        case 0:
            isData = true
            let overhead = flags & Flag.padded != 0 ? 1 : 0
            guard length <= overhead, flags & Flag.endStream == 0 else { return nil }
            return emptyFrames.take(rates.emptyFrames, now: now) ? nil : .emptyFrames
        case 1:
            return headers(length: length, flags, rates, now: now)
        case 2:
            return priorities.take(rates.priorities, now: now) ? nil : .priorities
        case 3:
            return resets.take(rates.resets, now: now) ? nil : .resets
        case 4:
            guard length <= rates.maxSettings * 6 || length > Self.maxFrameSize else { return .settings }
            return settings.take(rates.settings, now: now) ? nil : .settings
        case 6:
            return pings.take(rates.pings, now: now) ? nil : .pings
        case 8:
            return windowUpdate(rates, now: now)
        case 9:
            return continuation(length: length, flags, rates, now: now)
        default:
            return unknownFrames.take(rates.unknownFrames, now: now) ? nil : .unknownFrames
        }
    }

    /// Notes the frame if it is where it may not be.
    private mutating func note(_ flags: UInt8) {
        let stream = UInt32(truncatingIfNeeded: header << 8) & 0x7FFF_FFFF | UInt32(lastByte)
        let isEnd = flags & Flag.endStream != 0
        let found: PeerStreams.Misplaced?
        switch UInt8(truncatingIfNeeded: header >> 32) {
        case 0: found = streams?.data(on: stream, isEnd: isEnd)
        case 1: found = streams?.head(on: stream, isEnd: isEnd)
        case 2: found = stream == 0 ? .priorityOnConnection : nil
        case 3:
            streams?.reset(stream)
            found = nil
        default: found = nil
        }
        misplaced = misplaced ?? found
    }

    /// The frame that was found is nghttp2's to judge.
    package mutating func forgive() {
        misplaced = nil
    }

    private mutating func headers(
        length: Int,
        _ flags: UInt8,
        _ rates: FrameRates,
        now: NIODeadline
    ) -> TransportLimit? {
        credit += 4096
        guard flags & Flag.endHeaders == 0 else { return nil }
        isInHeaderBlock = true
        continuations = 0
        let overhead = (flags & Flag.padded != 0 ? 1 : 0) + (flags & Flag.priority != 0 ? 5 : 0)
        guard length <= overhead else { return nil }
        return emptyFrames.take(rates.emptyFrames, now: now) ? nil : .emptyFrames
    }

    private mutating func continuation(
        length: Int,
        _ flags: UInt8,
        _ rates: FrameRates,
        now: NIODeadline
    ) -> TransportLimit? {
        continuations += 1
        if flags & Flag.endHeaders != 0 {
            isInHeaderBlock = false
        }
        guard continuations <= rates.maxContinuations else { return .continuations }
        guard length == 0 else { return nil }
        return emptyFrames.take(rates.emptyFrames, now: now) ? nil : .emptyFrames
    }

    private mutating func windowUpdate(_ rates: FrameRates, now: NIODeadline) -> TransportLimit? {
        if credit >= 1024 {
            windowUpdates.give(credit >> 10, rates.windowUpdates, now: now)
            credit &= 1023
        }
        return windowUpdates.take(rates.windowUpdates, now: now) ? nil : .windowUpdates
    }

    /// Charges for what the session had to do since the last time.
    package mutating func charge(_ tally: SessionTally, _ rates: FrameRates, now: NIODeadline) -> TransportLimit? {
        guard tally.headBombs == 0 else { return .headerList }
        for _ in 0..<tally.provokedResets where !provokedResets.take(rates.provokedResets, now: now) {
            return .provokedResets
        }
        for _ in 0..<tally.informational where !informational.take(rates.informational, now: now) {
            return .informational
        }
        return nil
    }

    private enum Flag {
        static let endStream: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
        static let priority: UInt8 = 0x20
    }
}

/// What the peer's frames made a session do, as its callbacks note it, to be charged for before the next ones are read.
package struct SessionTally {
    /// RST_STREAM frames sent that blame the peer, and answers to heads that are too large.
    package var provokedResets = 0
    /// Streams too many: those that were refused one by one, and the one that ended the connection.
    package var refusedStreams = 0
    package var informational = 0
    /// Header lists so large that they are no mistake.
    var headBombs = 0
    /// Refusals to come that are ours.
    var ownRefusals = 0

    package var isEmpty: Bool { provokedResets == 0 && informational == 0 && headBombs == 0 && refusedStreams == 0 }

    package init(provokedResets: Int = 0, informational: Int = 0) {
        self.provokedResets = provokedResets
        self.informational = informational
    }

    /// All was charged for.
    mutating func clear() {
        (provokedResets, refusedStreams, informational, headBombs) = (0, 0, 0, 0)
    }

    package mutating func resetSent(_ code: HTTP2ErrorCode) {
        switch code {
        case .noError, .cancel, .internalError:
            return
        case .refusedStream where ownRefusals > 0:
            ownRefusals -= 1
            return
        case .refusedStream:
            refusedStreams += 1
        default:
            break
        }
        provokedResets += 1
    }
}
