import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct KeyGroupTests {
    @Test func groupsOfKeys() throws {
        var generator = SplitMix64(seed: 5)
        let keys = try Samples.keys(300, groups: 11, using: &generator).sorted(by: DiagnosisKey.precedesInBatch)
        let groups = KeyGroup.groups(of: keys)
        #expect(groups.reduce(0) { $0 + $1.count } == keys.count)
        #expect(groups.flatMap { Array(repeating: $0.metadata, count: $0.count) } == keys.map(\.metadata))
        #expect(zip(groups, groups.dropFirst()).allSatisfy { $0.metadata < $1.metadata })
        #expect(KeyGroup.groups(of: [DiagnosisKey]()).isEmpty)
    }

    @Test func groupsOfDayKeys() throws {
        var generator = SplitMix64(seed: 6)
        let keys = try Samples.dayKeys(300, using: &generator).sorted(by: BluezoneDayKey.precedesInBatch)
        let groups = KeyGroup.groups(of: keys)
        #expect(groups.flatMap { Array(repeating: $0.metadata, count: $0.count) } == keys.map(\.metadata))
        #expect(zip(groups, groups.dropFirst()).allSatisfy { $0.metadata < $1.metadata })
    }
}
