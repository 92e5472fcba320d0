import RegionalNode
import Testing

@Suite struct LinkDialerTests {
    @Test func anUnreachableNeighbourIsAskedTwiceASecondForGood() {
        var pauses = DialPauses()
        let waits = (0..<100).map { _ in pauses.next(afterLinkOf: nil) }
        #expect(waits[0] <= .milliseconds(50))
        #expect(waits.max() == .milliseconds(500))
    }

    @Test func aNeighbourThatEndsLinksAtOnceIsGivenTime() {
        var pauses = DialPauses()
        let waits = (0..<100).map { _ in pauses.next(afterLinkOf: .milliseconds(5)) }
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(waits.last == .seconds(10))
        // Having lasted, the next one is dialled at once.
        #expect(pauses.next(afterLinkOf: .seconds(60)) <= .milliseconds(50))
    }
}
