import HTTP2
import NIOCore
import Testing

@Suite("Frames as they are counted")
struct FrameWatchTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private static func watch(_ bytes: [UInt8], pieces: Int, prefaceBytes: Int = 0) -> TransportLimit? {
        var watch = FrameWatch(prefaceBytes: prefaceBytes, now: start)
        for begin in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes[begin..<min(bytes.count, begin + pieces)]
            let limit = piece.withUnsafeBytes { watch.received($0, FrameRates(), now: start) }
            if let limit { return limit }
        }
        return nil
    }

    private static let floods: [(TransportLimit, [UInt8], allowed: Int)] = [
        (.emptyFrames, Frame.data(stream: 1, []), 100),
        (.emptyFrames, Frame.make(type: 0, flags: 0x8, stream: 1, [0]), 100),
        (.emptyFrames, Frame.make(type: 1, flags: 0, stream: 1, []), 100),
        (.emptyFrames, Frame.make(type: 1, flags: 0x28, stream: 1, [0, 0, 0, 0, 0, 0]), 100),
        (.priorities, Frame.make(type: 2, flags: 0, stream: 1, [0, 0, 0, 0, 1]), 200),
        (.resets, Frame.reset(stream: 1, 8), 200),
        (.settings, Frame.settings, 32),
        (.settings, Frame.settingsAck, 32),
        (.pings, Frame.make(type: 6, flags: 0, stream: 0, [0, 1, 2, 3, 4, 5, 6, 7]), 100),
        (.unknownFrames, Frame.goAway(last: 0), 200),
        (.windowUpdates, Frame.windowUpdate(stream: 1, 1), 1000),
        (.continuations, Frame.make(type: 9, flags: 0, stream: 1, [1]), 8),
        (.unknownFrames, Frame.make(type: 0xFA, flags: 0, stream: 1, [1, 2, 3]), 200),
    ]

    @Test("Each kind has its budget: the frame after it is one too many", arguments: floods.indices)
    func budgets(index: Int) {
        let (limit, frame, allowed) = Self.floods[index]
        let fair = Array(repeatElement(frame, count: allowed).joined())
        for pieces in [1, 7, 9, 64, fair.count + 100] {
            #expect(Self.watch(fair, pieces: pieces) == nil)
            #expect(Self.watch(fair + frame, pieces: pieces) == limit)
            #expect(Self.watch(Frame.preface + fair, pieces: pieces, prefaceBytes: 24) == nil)
        }
    }

    @Test("Frames that carry something have none")
    func carrying() {
        let request = Frame.request(stream: 1) + Frame.data(stream: 1, [1]) + Frame.data(stream: 1, [], isEnd: true)
        #expect(Self.watch(Array(repeatElement(request, count: 5000).joined()), pieces: 1000) == nil)
    }

    @Test("Bytes sent and heads received give a reason for WINDOW_UPDATE frames")
    func windowCredit() {
        var watch = FrameWatch(prefaceBytes: 0, now: Self.start)
        func take(_ frame: [UInt8], _ count: Int) -> TransportLimit? {
            let frames = Array(repeatElement(frame, count: count).joined())
            return frames.withUnsafeBytes { watch.received($0, FrameRates(), now: Self.start) }
        }
        var outcomes = [take(Frame.windowUpdate(stream: 0, 1), 1000)]
        watch.sent(100 * 1024)
        outcomes.append(take(Frame.windowUpdate(stream: 0, 1), 100))
        outcomes.append(take(Frame.request(stream: 1), 25))
        outcomes.append(take(Frame.windowUpdate(stream: 0, 1), 100))
        #expect(outcomes == [nil, nil, nil, nil])
        let last = take(Frame.windowUpdate(stream: 0, 1), 1)
        #expect(last == .windowUpdates)
    }

    @Test("Too many entries in one SETTINGS frame")
    func settingsEntries() {
        let entry: [UInt8] = [0, 4, 0, 0, 0, 1]
        let frame = { Frame.make(type: 4, flags: 0, stream: 0, Array(repeatElement(entry, count: $0).joined())) }
        #expect(Self.watch(frame(32), pieces: 1000) == nil)
        #expect(Self.watch(frame(33), pieces: 1000) == .settings)
    }

    @Test("A head that began is overdue in time; body bytes and what is whole are not")
    func overdue() {
        let limit = TimeAmount.seconds(1)
        func isOverdue(_ bytes: [UInt8]) -> [Bool] {
            var watch = FrameWatch(prefaceBytes: 0, now: Self.start)
            _ = bytes.withUnsafeBytes { watch.received($0, FrameRates(), now: Self.start) }
            return [999, 1000].map { watch.isOverdue(now: Self.start + .milliseconds($0), limit: limit) }
        }
        let open = Frame.make(type: 1, flags: 0, stream: 1, [0x82])
        #expect(isOverdue(open) == [false, true])
        #expect(isOverdue(open + Frame.make(type: 9, flags: 0x4, stream: 1, [0x84])) == [false, false])
        #expect(isOverdue(Array(Frame.request(stream: 1).dropLast())) == [false, true])
        #expect(isOverdue(Array(Frame.request(stream: 1).prefix(3))) == [false, true])
        #expect(isOverdue(Array(Frame.data(stream: 1, [1, 2, 3]).dropLast())) == [false, false])
        #expect(isOverdue([]) == [false, false])
    }

    @Test("CONTINUATION frames do not give a head more time")
    func continued() {
        var watch = FrameWatch(prefaceBytes: 0, now: Self.start)
        for (index, type) in [UInt8(1), 9, 9, 9].enumerated() {
            let frame = Frame.make(type: type, flags: 0, stream: 1, [0x82])
            let now = Self.start + .milliseconds(Int64(index) * 300)
            let exceeded = frame.withUnsafeBytes { watch.received($0, FrameRates(), now: now) }
            #expect(exceeded == nil)
        }
        #expect(watch.isOverdue(now: Self.start + .milliseconds(1000), limit: .seconds(1)))
    }

    @Test("Resets are charged to a peer only where they blame it")
    func tally() {
        var tally = SessionTally()
        for code in [HTTP2ErrorCode.noError, .cancel, .internalError] {
            tally.resetSent(code)
        }
        #expect(tally.isEmpty)
        tally.resetSent(.refusedStream)
        tally.resetSent(.protocolError)
        #expect((tally.provokedResets, tally.refusedStreams) == (2, 1))
        var watch = FrameWatch(prefaceBytes: 0, now: Self.start)
        let rates = FrameRates()
        let tallies = [(100, 0), (1, 0), (0, 101)].map { SessionTally(provokedResets: $0.0, informational: $0.1) }
        let charged = tallies.map { watch.charge($0, rates, now: Self.start) }
        #expect(charged == [nil, .provokedResets, .informational])
    }
}
