import CMatchKernel
import Testing
import TestSupport

struct KernelMatchTests {
    struct Hit: Equatable {
        let key: Int
        let interval: Int
        let identifier: [UInt8]
    }

    /// A bit filter of 2^log2 bits.
    struct Filter {
        let log2: UInt32
        var words: [UInt32]

        init(log2: UInt32, word: UInt32 = 0) {
            self.log2 = log2
            words = [UInt32](repeating: word, count: 1 << Int(log2 - 5))
        }

        /// The number of an identifier's bit: its first four bytes, read little-endian, modulo the size.
        func bit(_ identifier: ArraySlice<UInt8>) -> Int {
            let first = identifier.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            return first % (1 << Int(log2))
        }

        mutating func insert(_ bit: Int) { words[bit / 32] |= 1 << UInt32(bit % 32) }
        func passes(_ identifier: ArraySlice<UInt8>) -> Bool {
            let bit = bit(identifier)
            return words[bit / 32] >> UInt32(bit % 32) & 1 == 1
        }
    }

    static func bruteForce(_ input: KernelCase, _ filter: Filter) -> [Hit] {
        let count = input.intervals.count
        return (0..<(input.keyCount * count)).compactMap { position in
            let identifier = input.identifiers[(16 * position)..<(16 * position + 16)]
            guard filter.passes(identifier) else { return nil }
            return Hit(key: position / count, interval: position % count, identifier: Array(identifier))
        }
    }

    /// Matches in as many calls as the capacity makes necessary. Throws at the first that makes no progress or writes
    /// behind its capacity.
    static func matches(
        _ path: KernelPath,
        _ input: KernelCase,
        _ filter: Filter,
        capacity: Int
    ) throws -> (hits: [Hit], calls: Int) {
        var keys = GuardedBytes(input.keys)
        let mark = kt_hit(
            key: 0xa5a5,
            interval: 0x5a5a,
            identifier: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
        )
        var hits: [Hit] = []
        var done = 0
        var calls = 0
        while done < input.keyCount {
            var room = [kt_hit](repeating: mark, count: capacity + 8)
            let result = keys.withPointer { keys in
                kt_match(
                    path.kernel,
                    keys + 16 * done,
                    input.keyCount - done,
                    input.intervals,
                    input.intervals.count,
                    filter.words,
                    filter.log2,
                    &room,
                    capacity
                )
            }
            try #require(result.keys > 0 && result.keys <= input.keyCount - done && result.hits <= capacity)
            try #require(room[capacity...].allSatisfy { $0.key == mark.key && $0.interval == mark.interval })
            hits += room[..<result.hits].map { hit in
                let identifier = withUnsafeBytes(of: hit.identifier) { Array($0) }
                return Hit(key: done + Int(hit.key), interval: Int(hit.interval), identifier: identifier)
            }
            done += result.keys
            calls += 1
        }
        #expect(keys.content == input.keys)
        return (hits, calls)
    }

    @Test(arguments: KernelPath.available)
    func hitsAreThoseOfBruteForce(path: KernelPath) throws {
        var random = SplitMix64(seed: 31)
        for log2 in UInt32(KT_FILTER_LOG2_MIN)...UInt32(KT_FILTER_LOG2_MAX) {
            let whole = KernelCase.thousand.first(keys: 200, intervals: 144)
            var filter = Filter(log2: log2)
            for _ in 0..<970 { filter.insert(Int.random(in: 0..<(1 << Int(log2)), using: &random)) }
            for (keys, intervals) in [(200, 144), (33, 143), (32, 17), (31, 8), (3, 7), (1, 1), (5, 0), (0, 144)] {
                let input = whole.first(keys: keys, intervals: intervals)
                let found = try Self.matches(path, input, filter, capacity: 200 * 144)
                #expect(found.hits == Self.bruteForce(input, filter), "\(path), 2^\(log2), \(keys), \(intervals)")
                #expect(found.calls == (keys > 0 ? 1 : 0))
            }
        }
    }

    /// Each identifier alone in the filter, so that none is missed at any place of a register or chunk.
    @Test(arguments: KernelPath.available)
    func everyPlaceIsTested(path: KernelPath) throws {
        let input = KernelCase.thousand.first(keys: 35, intervals: 144)
        for position in stride(from: 0, to: 35 * 144, by: 5) {
            let identifier = input.identifiers[(16 * position)..<(16 * position + 16)]
            var filter = Filter(log2: 20)
            filter.insert(filter.bit(identifier))
            let found = try Self.matches(path, input, filter, capacity: 144).hits
            #expect(found.contains(Hit(key: position / 144, interval: position % 144, identifier: Array(identifier))))
            #expect(found == Self.bruteForce(input, filter))
        }
    }

    @Test(arguments: KernelPath.available)
    func whatDoesNotFitComesWithTheNextCall(path: KernelPath) throws {
        let input = KernelCase.thousand.first(keys: 100, intervals: 144)
        var random = SplitMix64(seed: 32)
        var filter = Filter(log2: 12)
        for index in filter.words.indices { filter.words[index] = UInt32.random(in: 0 ... .max, using: &random) }
        let wanted = Self.bruteForce(input, filter)
        for capacity in [144, 145, 287, 1000, 2304, wanted.count - 1] {
            let found = try Self.matches(path, input, filter, capacity: capacity)
            #expect(found.hits == wanted, "\(path), \(capacity)")
            #expect(found.calls > 1)
        }
        #expect(try Self.matches(path, input, filter, capacity: wanted.count).calls == 1)
    }

    @Test(arguments: KernelPath.available)
    func aKeyOfHitsOnlyFitsTheLeastCapacity(path: KernelPath) throws {
        let input = KernelCase.thousand.first(keys: 40, intervals: 144)
        let full = Filter(log2: 12, word: .max)
        let one = try Self.matches(path, input, full, capacity: 144)
        #expect(one.calls == 40 && one.hits == Self.bruteForce(input, full))
        let three = try Self.matches(path, input, full, capacity: 3 * 144 + 143)
        #expect(three.calls == 14 && three.hits == one.hits)
    }

    @Test(arguments: KernelPath.available)
    func argumentsOutOfRangeDoNothing(path: KernelPath) {
        let input = KernelCase.thousand.first(keys: 2, intervals: 144)
        let filter = Filter(log2: 20, word: .max)
        var hits = [kt_hit](repeating: kt_hit(), count: 300)
        func isRefused(_ kernel: kt_kernel, keys: Int = 2, intervals: Int = 144, log2: UInt32 = 20, capacity: Int = 300)
            -> Bool
        {
            let many = input.intervals + [1]
            let result = kt_match(kernel, input.keys, keys, many, intervals, filter.words, log2, &hits, capacity)
            return result.keys == 0 && result.hits == 0 && hits.allSatisfy { $0.key == 0 && $0.interval == 0 }
        }
        #expect(isRefused(path.kernel, keys: 1 << 32))
        #expect(isRefused(path.kernel, intervals: 145))
        #expect(isRefused(path.kernel, log2: 11))
        #expect(isRefused(path.kernel, log2: 21))
        #expect(isRefused(path.kernel, log2: .max))
        #expect(isRefused(path.kernel, capacity: 143))
        #expect(isRefused(kt_kernel(rawValue: kt_kernel.RawValue(KT_KERNELS))))
        #expect(!isRefused(path.kernel))
    }
}
