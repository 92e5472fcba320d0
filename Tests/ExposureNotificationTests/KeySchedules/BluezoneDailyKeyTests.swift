import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct BluezoneDailyKeyTests {
    private let schedule = BluezoneSchedule()

    private func random(_ random: inout SplitMix64) throws -> BluezoneDailyKey {
        try #require(BluezoneDailyKey(baseID: random.bytes(32)))
    }

    private func identifiers(_ subKey: BluezoneSubKey) throws -> [BluezoneIdentifier] {
        schedule.broadcasts(of: try BluezoneSample.published(subKey)).map(\.identifier)
    }

    @Test func onlyThirtyTwoBytesAreABaseID() {
        for count in [0, 16, 31, 33] { #expect(BluezoneDailyKey(baseID: [UInt8](repeating: 1, count: count)) == nil) }
        #expect(BluezoneDailyKey(baseID: [UInt8](repeating: 1, count: 32)) != nil)
    }

    @Test func printingItShowsNothing() throws {
        let key = try #require(BluezoneDailyKey(baseID: [UInt8](repeating: 231, count: 32)))
        var dumped = ""
        dump([key], to: &dumped)
        for text in ["\(key)", String(reflecting: key), String(describing: [key]), dumped] {
            #expect(text.contains("BluezoneDailyKey") && !text.contains("231"), "\(text)")
        }
    }

    /// The harm that a published daily key would do: whoever has it has all days after it.
    @Test func aDailyKeyGivesEveryLaterDay() throws {
        var generator = SplitMix64(seed: 1)
        let days = BluezoneSample.dailyKeys(5, from: try random(&generator))
        #expect(days[2].next.next == days[4])
        #expect(try identifiers(days[2].next.next.firstSubKey) == identifiers(days[4].firstSubKey))
        for (place, day) in days.enumerated() { #expect(days.firstIndex(of: day) == place) }
    }

    /// What a feed carries gives the same identifiers of its day; and of other days none, neither by going on from it,
    /// nor by taking it for what it was made from.
    @Test func aDaysFirstSubKeyGivesThatDayOnly() throws {
        var generator = SplitMix64(seed: 2)
        for _ in 0..<20 {
            let days = BluezoneSample.dailyKeys(15, from: try random(&generator))
            let published = try BluezoneSample.published(days[7].firstSubKey)
            let ofThatDay = schedule.broadcasts(of: published).map(\.identifier)
            #expect(try ofThatDay == identifiers(days[7].firstSubKey))

            let others = try days.enumerated().filter { $0.offset != 7 }.flatMap {
                try identifiers($0.element.firstSubKey)
            }
            var derived = Set(ofThatDay)
            var subKey = published.firstSubKey
            for _ in 0..<15 * 96 {
                subKey = subKey.next
                derived.insert(BluezoneIdentifier(subKey))
            }
            let taken = try #require(BluezoneDailyKey(baseID: published.firstSubKey.bytes))
            for daily in BluezoneSample.dailyKeys(15, from: taken) {
                derived.formUnion(try identifiers(daily.firstSubKey))
            }
            #expect(others.count == 14 * 96 && derived.isDisjoint(with: others))
            #expect(!days.contains(taken))
        }
    }
}
