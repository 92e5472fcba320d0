import ClientSync
import ExposureKeys
import Foundation
import Testing

@Suite struct RiskConfigurationTests {
    /// The example of docs/RISK.md.
    private static let text = """
        {
          "attenuationBucketThresholdDb": [55, 67, 75],
          "attenuationBucketWeights": [175, 100, 33, 0],
          "daysSinceOnsetToInfectiousness": {"standard": [-4, -3, 4, 5], "high": [-2, -1, 0, 1, 2, 3]},
          "infectiousnessWhenDaysSinceOnsetMissing": "high",
          "infectiousnessWeights": {"standard": 30, "high": 100},
          "reportTypeWeights": {"confirmed": 100, "clinical": 100, "self-report": 100, "recursive": 0},
          "reportTypeWhenMissing": "confirmed",
          "minimumWindowScore": 0,
          "daysSinceExposureThreshold": 0,
          "minimumDailyScore": 900,
          "maximumHoursWithoutNews": 24
        }
        """

    private func decode(_ text: String) throws -> RiskConfiguration {
        try JSONDecoder().decode(RiskConfiguration.self, from: Data(text.utf8))
    }

    @Test func theExampleIsTheDefault() throws {
        #expect(try decode(RiskConfigurationTests.text) == .standard)
        #expect(try RiskConfiguration() == .standard)
        // A file of before there was this field.
        let former = RiskConfigurationTests.text.replacingOccurrences(
            of: ",\n  \"maximumHoursWithoutNews\": 24",
            with: ""
        )
        #expect(former != RiskConfigurationTests.text)
        #expect(try decode(former) == .standard)
        #expect(
            try decode(String(decoding: try JSONEncoder().encode(RiskConfiguration.standard), as: UTF8.self))
                == .standard
        )
        let other = try RiskConfiguration(
            buckets: AttenuationBuckets(thresholds: [0, 1, 255], weights: [0, 1, 250, 7]),
            infectiousness: InfectiousnessMap(standard: [14, -14], high: [], whenUnknown: .none),
            standardWeight: 0,
            highWeight: 250,
            reportTypes: ReportTypeWeights(
                confirmedTest: 1,
                confirmedClinicalDiagnosis: 2,
                selfReport: 3,
                recursive: 4,
                whenMissing: .recursive
            ),
            minimumWindowScore: 32_812,
            daysSinceExposureThreshold: 30,
            minimumDailyScore: 86_400,
            maximumHoursWithoutNews: 336
        )
        #expect(try JSONDecoder().decode(RiskConfiguration.self, from: JSONEncoder().encode(other)) == other)
        #expect(other.infectiousness.standard == [-14, 14])
    }

    @Test(arguments: [
        ("[55, 67, 75]", "[55, 67]"), ("[55, 67, 75]", "[55, 55, 75]"), ("[55, 67, 75]", "[55, 67, 256]"),
        ("[55, 67, 75]", "[-1, 67, 75]"), ("[55, 67, 75]", "[75, 67, 55]"), ("[55, 67, 75]", "[55, 67, 75, 80]"),
        ("[175, 100, 33, 0]", "[251, 100, 33, 0]"), ("[175, 100, 33, 0]", "[175, 100, 33]"),
        ("[175, 100, 33, 0]", "[175, 100, 33, -1]"),
        ("[-4, -3, 4, 5]", "[-4, -3, 4, 15]"), ("[-4, -3, 4, 5]", "[-4, -3, 4, 4]"), ("[-4, -3, 4, 5]", "[0]"),
        ("[-4, -3, 4, 5]", "[-9223372036854775808]"),
        ("\"high\",", "\"higher\","), ("\"standard\": 30", "\"standard\": 251"), ("\"high\": 100", "\"high\": -1"),
        ("\"clinical\": 100", "\"clinical\": 300"), ("\"recursive\": 0", "\"recursive\": -5"),
        ("Missing\": \"confirmed\"", "Missing\": \"revoked\""), ("Missing\": \"confirmed\"", "Missing\": \"certain\""),
        ("\"minimumWindowScore\": 0", "\"minimumWindowScore\": 32813"),
        ("\"daysSinceExposureThreshold\": 0", "\"daysSinceExposureThreshold\": 31"),
        ("\"minimumDailyScore\": 900", "\"minimumDailyScore\": 0"),
        ("\"minimumDailyScore\": 900", "\"minimumDailyScore\": 86401"),
        ("News\": 24", "News\": 0"), ("News\": 24", "News\": 337"),
        ("\"minimumDailyScore\": 900", "\"minimumDailyScore\": 900, \"minimumDailyscore\": 800"),
    ])
    func whatLiesOutsideIsRefused(old: String, new: String) throws {
        let altered = RiskConfigurationTests.text.replacingOccurrences(of: old, with: new)
        #expect(altered != RiskConfigurationTests.text)
        #expect(throws: RiskConfigurationError.self) { try decode(altered) }
    }

    @Test func anotherFormIsRefused() {
        for (old, new) in [
            ("\"minimumDailyScore\": 900", "\"minimumDailyScore\": null"), ("900", "900.5"), ("900", "9e99"),
            ("[175, 100, 33, 0]", "{}"),
        ] {
            let altered = RiskConfigurationTests.text.replacingOccurrences(of: old, with: new)
            #expect(throws: (any Error).self) { try decode(altered) }
        }
    }

    @Test(
        arguments: [
            (0, .immediate), (55, .immediate), (56, .near), (67, .near), (68, .medium), (75, .medium), (76, .other),
            (255, .other),
        ] as [(Int, AttenuationBucket)]
    )
    func thresholdsBelongToTheNearerBucket(attenuation: Int, bucket: AttenuationBucket) {
        let buckets = AttenuationBuckets.symposium
        #expect(buckets.bucket(of: attenuation) == bucket)
        #expect(buckets.weight(of: attenuation) == buckets.weights[bucket.rawValue])
    }

    @Test func namesAreReadAsTheyAreWritten() {
        for value in Infectiousness.allCases { #expect(Infectiousness(name: value.name) == value) }
        for value in AttenuationBucket.allCases { #expect(AttenuationBucket(name: value.name) == value) }
        for value in CalibrationConfidence.allCases { #expect(CalibrationConfidence(name: value.name) == value) }
        #expect(Infectiousness(name: "") == nil && AttenuationBucket(name: "High") == nil)
    }
}
