import HTTP2
import Testing

@Suite("Streams that a client has opened and not ended")
struct PeerStreamsTests {
    @Test("Requests, bodies and trailers in order are where they may be")
    func inOrder() {
        var streams = PeerStreams()
        var found = [streams.head(on: 1, isEnd: true), streams.head(on: 3, isEnd: false)]
        found += [
            streams.data(on: 3, isEnd: false), streams.head(on: 5, isEnd: false), streams.data(on: 5, isEnd: true),
        ]
        found += [
            streams.data(on: 3, isEnd: false), streams.head(on: 3, isEnd: true), streams.head(on: 9, isEnd: true),
        ]
        // Not the client's to open, or not open yet: nghttp2 says so.
        found += [
            streams.head(on: 2, isEnd: true), streams.data(on: 11, isEnd: true), streams.data(on: 0, isEnd: true),
        ]
        #expect(found.allSatisfy { $0 == nil })
    }

    @Test("Nothing comes after an end, whether by DATA, by HEADERS or by RST_STREAM")
    func afterEnd() {
        var streams = PeerStreams()
        _ = streams.head(on: 1, isEnd: true)
        _ = streams.head(on: 3, isEnd: false)
        _ = streams.data(on: 3, isEnd: true)
        _ = streams.head(on: 5, isEnd: false)
        streams.reset(5)
        for stream in [UInt32(1), 3, 5] {
            let found = [streams.data(on: stream, isEnd: false), streams.head(on: stream, isEnd: true)]
            #expect(found == [.afterEnd(stream: stream), .afterEnd(stream: stream)])
        }
    }

    @Test("Streams left out are closed by a later one")
    func leftOut() {
        var streams = PeerStreams()
        _ = streams.head(on: 7, isEnd: true)
        _ = streams.head(on: 9, isEnd: true)
        _ = streams.head(on: 21, isEnd: true)
        for stream in [UInt32(1), 5, 11, 19] {
            let found = [streams.head(on: stream, isEnd: true), streams.data(on: stream, isEnd: true)]
            #expect(found == [.belowEarlier(stream: stream), .afterEnd(stream: stream)])
        }
        let used = streams.head(on: 9, isEnd: true)
        #expect(used == .afterEnd(stream: 9))
    }

    @Test("What is remembered is bounded")
    func bounded() {
        var streams = PeerStreams()
        var stream: UInt32 = 1
        for _ in 0..<200_000 {
            _ = streams.head(on: stream, isEnd: false)
            stream += 4
        }
        var found = [streams.data(on: stream - 4, isEnd: false), streams.data(on: 1, isEnd: false)]
        found.append(streams.head(on: 3, isEnd: true))
        #expect(found == [nil, .afterEnd(stream: 1), .belowEarlier(stream: 3)])
    }
}
