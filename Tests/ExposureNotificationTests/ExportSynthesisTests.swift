import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

struct ExportSynthesisTests {
    static let end = Interval(unixSeconds: 1_608_768_000)

    static func keys(patients: Int, end: Interval = end, onsetShare: Double = 0.8, seed: UInt64 = 1) -> [DiagnosisKey] {
        var random = SplitMix64(seed: seed)
        return ExportSynthesis(patients: patients, end: end, onsetShare: onsetShare).keys(using: &random)
    }

    static func share(_ keys: [DiagnosisKey], _ condition: (KeyMetadata) -> Bool) -> Double {
        Double(keys.count { condition($0.metadata) }) / Double(max(1, keys.count))
    }

    @Test func theSameSeedGivesTheSameKeys() {
        #expect(Self.keys(patients: 100) == Self.keys(patients: 100))
        #expect(Self.keys(patients: 100) != Self.keys(patients: 100, seed: 2))
        #expect(Self.keys(patients: 0).isEmpty && Self.keys(patients: -1).isEmpty)
    }

    @Test func keysHaveTheFormOfRealOnes() {
        let keys = Self.keys(patients: 2000)
        #expect(keys.map(\.data) == keys.map(\.data).sorted())
        #expect(keys.allSatisfy { $0.metadata.rollingStart.number % 144 == 0 && $0.metadata.end <= Self.end })
        #expect(keys.allSatisfy { Expiry.mayCarry(keyEnding: $0.metadata.end, publishedAt: Self.end) })
        let risks = keys.map { ($0.metadata.transmissionRisk, $0.metadata.reportType) }
        let types: [ReportType] = [.recursive, .selfReport, .clinical, .confirmed]
        #expect(risks.allSatisfy { $0.1 == types[($0.0 - 1) / 2] })
        #expect((7.3 * 2000...8.9 * 2000).contains(Double(keys.count)))
    }

    /// The shares of the export that the numbers come from.
    @Test func sharesAreThoseOfDecember2020() {
        let keys = Self.keys(patients: 20_000, onsetShare: 1)
        let risks = [18_023, 4_310, 2_845, 4_104, 9_054, 6_846, 5_892, 6_898].map { Double($0) / 57_972 }
        for (position, expected) in risks.enumerated() {
            let found = Self.share(keys) { $0.transmissionRisk == position + 1 }
            #expect(abs(found - expected) < 0.01, "risk \(position + 1): \(found), not \(expected)")
        }
        #expect(abs(Self.share(keys) { $0.reportType == .recursive } - 22_333.0 / 57_972) < 0.01)
        #expect(abs(Self.share(keys) { $0.rollingPeriod == 144 } - 52_664.0 / 57_972) < 0.01)
        #expect(abs(Self.share(keys) { $0.daysSinceOnset == 1 } - 35_814.0 / 57_972) < 0.01)
        let lastDay = Self.end.advanced(by: -144)
        #expect(abs(Self.share(keys) { $0.rollingStart == lastDay } - 4_897.0 / 57_972) < 0.01)
        let oldest = Self.end.advanced(by: -14 * 144)
        #expect(abs(Self.share(keys) { $0.rollingStart == oldest } - 3_021.0 / 57_972) < 0.01)
    }

    @Test func aSharePatientsHasNoOnset() {
        let share = Self.share(Self.keys(patients: 5000, onsetShare: 0.6)) { $0.daysSinceOnset != nil }
        #expect(abs(share - 0.6) < 0.03)
        #expect(Self.keys(patients: 100, onsetShare: 0).allSatisfy { $0.metadata.daysSinceOnset == nil })
    }

    @Test(arguments: [0, 1, 60, 143, 144, 200, 2000, 2_681_281, 2_681_380] as [UInt32])
    func anyEndIsKept(number: UInt32) {
        let end = Interval(number)
        for key in Self.keys(patients: 200, end: end) {
            #expect(key.metadata.end <= end && key.metadata.rollingStart.number % 144 == 0)
            #expect(end.distance(from: key.metadata.end) < Expiry.batchLifetime)
        }
    }

    @Test func keysMakeAnArchive() throws {
        let keys = Self.keys(patients: 300)
        let signer = ExportSigningKey()
        let bytes = try writer().archive(of: keys, signedWith: signer)
        #expect(try ExportArchive.open(bytes, verifiedWith: signer.verificationKey).keys == keys)
        // Real daily archives take 18.3 to 18.5 bytes a key.
        #expect((17.5...20.5).contains(Double(bytes.count) / Double(keys.count)))
    }
}
