import HTTP2
import NIOCore
import Testing

@Suite("What a client offers by ALPN")
struct ClientHelloTests {
    private static func vector(_ lengthBytes: Int, _ content: [UInt8]) -> [UInt8] {
        (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) } + content
    }

    private static func hello(_ extensions: [(type: UInt8, content: [UInt8])]) -> [UInt8] {
        var list: [UInt8] = []
        for (type, content) in extensions { list += [0, type] + vector(2, content) }
        let body: [UInt8] =
            [3, 3] + [UInt8](repeating: 7, count: 32) + vector(1, [1, 2]) + vector(2, [0x13, 1]) + vector(1, [0])
            + vector(2, list)
        return [22, 3, 1] + vector(2, [1] + vector(3, body))
    }

    private static func offer(_ bytes: some Sequence<UInt8>) -> ClientHello.Offer {
        ClientHello.offer(ByteBuffer(bytes: bytes))
    }

    @Test("Nothing, something, and nothing said before the message is whole")
    func offers() {
        let nothing = Self.hello([(43, [2, 3, 4]), (51, [1, 2, 3])])
        let something = Self.hello([(43, [2, 3, 4]), (16, [0, 3, 2, 0x68, 0x32])])
        #expect(Self.offer(nothing) == .nothing)
        #expect(Self.offer(nothing + [23, 3, 3, 0, 0]) == .nothing)
        #expect(Self.offer(something) == .something)
        for count in 0..<nothing.count { #expect(Self.offer(nothing.prefix(count)) == .unknown, "\(count)") }
    }

    @Test("What is not of the form counts as an offer, so that nothing is taken for HTTP")
    func malformed() {
        let good = Self.hello([(43, [2, 3, 4])])
        var inRecord = good
        inRecord[0] = 23
        #expect(Self.offer(inRecord) == .something)
        var long = good
        (long[3], long[4]) = (0x40, 1)
        #expect(Self.offer(long) == .something)
        // Each length in the message one too large or one too small, and a message that is no ClientHello.
        for place in [5, 8, 43, 46, 50, 52, 56] {
            for change in [UInt8(1), 255] {
                var bytes = good
                bytes[place] &+= change
                #expect(Self.offer(bytes) == .something, "byte \(place)")
            }
        }
        // Split over two records: no client does that with its first message.
        let split = Array(good[..<3]) + [0, 20] + good[5..<25] + [22, 3, 1] + Self.vector(2, Array(good[25...]))
        #expect(Self.offer(split) == .something)
    }
}
