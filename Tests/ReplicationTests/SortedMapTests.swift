import Replication
import Testing
import TestSupport

@Suite struct SortedMapTests {
    /// The same operations on a dictionary give the same content, in order.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func behavesLikeADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var map = SortedMap<Int, UInt64>()
        var model: [Int: UInt64] = [:]
        for _ in 0..<500 {
            let key = Int.random(in: 0..<60, using: &random)
            let value = random.next()
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                map[key] = nil
                model[key] = nil
            case 1:
                let changed = map.update(key) { old in
                    old = value
                    return key
                }
                #expect(changed == (model[key] == nil ? nil : key))
                if model[key] != nil { model[key] = value }
            default:
                map[key] = value
                model[key] = value
            }
            #expect(map[key] == model[key])
        }
        #expect(map.keys == model.keys.sorted())
        #expect(map.values == map.keys.map { model[$0] })
        #expect(map.count == model.count)
        #expect(map.isEmpty == model.isEmpty)
    }

    @Test func positionsOfARange() {
        var map = SortedMap<Int, Bool>()
        #expect(map.positions(from: 1, through: 9).isEmpty)
        for key in [2, 4, 6, 8] { map[key] = true }
        #expect(map.positions(from: 4, through: 6) == 1..<3)
        #expect(map.positions(from: 3, through: 7) == 1..<3)
        #expect(map.positions(from: 0, through: 9) == 0..<4)
        #expect(map.positions(from: 5, through: 5).isEmpty)
        #expect(map.positions(from: 9, through: 12) == 4..<4)
        #expect(map.positions(from: 8, through: 2).isEmpty)
    }
}
