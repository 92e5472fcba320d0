import HTTP2
import TestSupport
import Testing

@Suite("Values by stream")
struct StreamTableTests {
    /// What is removed must be let go at once: bodies hang on it.
    private final class Value {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    @Test("It holds what a dictionary holds, whatever comes and goes", arguments: [1, 3, 40] as [UInt64])
    func likeADictionary(spread: UInt64) {
        var random = SplitMix64(seed: spread)
        var table = StreamTable<Value>()
        var expected: [Int32: Int] = [:]
        for step in 0..<20_000 {
            // Identifiers of one peer, most of them near each other, as they are open at a time.
            let stream = Int32(1 + 2 * (UInt64(step / 50) + random.next() % (20 * spread)))
            if random.next() % 2 == 0 {
                table.set(Value(step), for: stream)
                expected[stream] = step
            } else {
                #expect(table.remove(stream)?.number == expected.removeValue(forKey: stream))
            }
            #expect(table[stream]?.number == expected[stream])
            #expect(table.count == expected.count)
        }
        #expect(expected.count > 5)
        for (stream, value) in expected { #expect(table[stream]?.number == value) }
        let entries = table.entries
        #expect(entries.count == expected.count)
        for entry in entries { #expect(expected[entry.stream] == entry.value.number) }
        table.removeAll()
        #expect(table.entries.isEmpty && table.count == 0 && table[1] == nil)
    }

    @Test("What is removed, replaced or left behind is let go")
    func lifetimes() {
        weak var removed: Value?
        weak var replaced: Value?
        weak var left: Value?
        do {
            var table = StreamTable<Value>()
            for stream in 1...40 { table.set(Value(stream), for: Int32(stream)) }
            removed = table[7]
            replaced = table[8]
            left = table[9]
            table.remove(7)
            table.set(Value(0), for: 8)
            #expect(removed == nil && replaced == nil && left != nil)
        }
        #expect(left == nil)
    }
}
