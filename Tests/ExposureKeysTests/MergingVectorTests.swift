import ExposureKeys
import Foundation
import Testing

/// docs/vectors/merging.json: what stands for one key's bytes, in every order of its reports.
@Suite struct MergingVectorTests {
    struct Case: Decodable, CustomTestStringConvertible {
        let about: String
        let reports: [[Int?]]
        let successor: [[Int?]]?
        let stands: [[Int?]]

        var testDescription: String { about }
    }

    private struct List: Decodable { let cases: [Case] }

    static func cases() throws -> [Case] {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/vectors/merging.json").standardizedFileURL
        return try JSONDecoder().decode(List.self, from: Data(contentsOf: path)).cases
    }

    private static func report(_ fields: [Int?]) throws -> KeyReport<DiagnosisKey> {
        try #require(fields.count == 6)
        let numbers = fields.map { $0 ?? 0 }
        let type = try #require(ReportType(rawValue: UInt8(numbers[0])))
        let metadata = KeyMetadata(
            rollingStart: Interval(UInt32(numbers[1])),
            rollingPeriod: numbers[2],
            reportType: type,
            transmissionRisk: numbers[3],
            daysSinceOnset: fields[4]
        )
        let key = DiagnosisKey(data: KeyData(high: 1, low: 2), metadata: try #require(metadata))
        return KeyReport(key, publication: Interval(UInt32(numbers[5])))
    }

    @Test(arguments: try Self.cases())
    func standsWhateverTheOrder(vector: Case) throws {
        let reports = try vector.reports.map(Self.report)
        let successor = RegionKeys(joining: try (vector.successor ?? []).map(Self.report))
        var random = SystemRandomNumberGenerator()
        for _ in 0..<12 {
            var state = RegionKeys()
            for report in reports.shuffled(using: &random) { state.join(RegionKeys(joining: [report])) }
            let stands = state.standing(revisedBy: successor).filter { !$0.isWithdrawn }.map { run -> [Int?] in
                let metadata = run.report.key.metadata
                return [
                    Int(run.start.number), Int(run.end.number), Int(metadata.reportType.rawValue),
                    metadata.transmissionRisk, metadata.daysSinceOnset,
                ]
            }
            #expect(stands == vector.stands)
        }
    }
}
