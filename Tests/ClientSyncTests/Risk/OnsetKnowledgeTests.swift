import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation
import Testing

@Suite struct OnsetKnowledgeTests {
    /// All numbers that the coding has, written down case by case.
    private static let coded: [Int: OnsetKnowledge] = {
        var coded: [Int: OnsetKnowledge] = [:]
        for days in -14...14 {
            coded[days] = .known(days: days)
            for length in 1...19 { coded[100 * length + days] = .range(length: length, days: days) }
            coded[2000 + days] = .symptomatic(daysSinceSubmission: days)
            coded[3000 + days] = .asymptomatic(daysSinceSubmission: days)
            coded[4000 + days] = .unknownStatus(daysSinceSubmission: days)
        }
        return coded
    }()

    @Test func everyNumberIsRead() {
        #expect(OnsetKnowledgeTests.coded.count == 29 * 23)
        for value in -8200...8200 {
            let expected = OnsetKnowledgeTests.coded[value] ?? .notUnderstood(value)
            #expect(OnsetKnowledge(daysSinceOnset: value) == expected, "\(value)")
        }
        #expect(OnsetKnowledge(daysSinceOnset: nil) == .notStated)
        for value in [Int.min, Int.max] { #expect(OnsetKnowledge(daysSinceOnset: value) == .notUnderstood(value)) }
    }

    @Test(
        arguments: [
            (-15, .high), (-14, .none), (-5, .none), (-4, .standard), (-3, .standard), (-2, .high), (3, .high),
            (4, .standard), (5, .standard), (6, .none), (14, .none),
            // A range of one day is that day, of two days the later; of seven, 3 more days have passed since the middle.
            (100, .high), (104, .standard), (203, .high), (700, .high), (701, .standard), (695, .high),
            (694, .standard),
            (693, .standard),
            (692, .none), (1914, .none),
            // Without symptoms the day of publication counts, otherwise nothing is known.
            (3000, .high), (2994, .none), (3005, .standard), (2000, .high), (1986, .high), (4014, .high), (5000, .high),
        ] as [(Int, Infectiousness)]
    )
    func infectiousnessFollowsTheCurve(value: Int, expected: Infectiousness) throws {
        #expect(InfectiousnessMap.symposium.infectiousness(of: OnsetKnowledge(daysSinceOnset: value)) == expected)
        let careless = try InfectiousnessMap(standard: [], high: [0], whenUnknown: .none)
        #expect(careless.infectiousness(of: .notStated) == .none)
        #expect(careless.infectiousness(of: .known(days: 0)) == .high)
    }

    /// The published German and European files. Those of December 2020 have only 1 and 2, and with the report type these
    /// code the transmission risk, as docs/RISK.md says.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["KEYTIDE_DATA"] != nil))
    func everyValueOfTheRealFilesIsUnderstood() throws {
        let folder = URL(fileURLWithPath: try #require(ProcessInfo.processInfo.environment["KEYTIDE_DATA"]))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".zip") && $0.contains("daily") }
        var counts: [OnsetKnowledge: Int] = [:]
        var codes: [Int: [(ReportType, Int?)]] = [:]
        for name in names {
            let archive = try ExportArchive.open([UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
            for key in archive.keys {
                let knowledge = OnsetKnowledge(daysSinceOnset: key.metadata.daysSinceOnset)
                if case .notUnderstood(let value) = knowledge { Issue.record("\(value) in \(name)") }
                counts[knowledge, default: 0] += 1
                guard name.hasPrefix("eur"), key.metadata.daysSinceOnset != nil else { continue }
                let code = (key.metadata.reportType, key.metadata.daysSinceOnset)
                if codes[key.metadata.transmissionRisk]?.contains(where: { $0 == code }) != true {
                    codes[key.metadata.transmissionRisk, default: []].append(code)
                }
            }
        }
        #expect(counts == [.known(days: 1): 199_758, .known(days: 2): 115_163, .notStated: 1_694])
        let types: [ReportType] = [.recursive, .selfReport, .clinical, .confirmed]
        for risk in 1...8 {
            let found = try #require(codes[risk])
            #expect(found.count == 1 && found[0] == (types[(risk - 1) / 2], 1 + (risk - 1) % 2), "risk \(risk)")
        }
    }
}
