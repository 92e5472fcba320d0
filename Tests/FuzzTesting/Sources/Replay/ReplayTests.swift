import Foundation
import Testing

/// The inputs that fuzzing kept, and the vectors that it starts from, go through every decoder in the ordinary tests.
struct ReplayTests {
    private static let targets: [(name: String, holds: @Sendable ([UInt8]) -> Bool)] = [
        ("batch", BatchFuzz.holds),
        ("checkpoint", CheckpointFuzz.holds),
        ("difference", DifferenceFuzz.holds),
        ("encounters", EncountersFuzz.holds),
        ("export", ExportFuzz.holds),
        ("frontier", FrontierFuzz.holds),
        ("index", IndexFuzz.holds),
        ("link", LinkFuzz.holds),
        ("range", RangeFuzz.holds),
        ("roster", RosterFuzz.holds),
        ("settled", SettledFuzz.holds),
    ]

    private static let folder = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    @Test(arguments: targets.map(\.name)) func keptInputs(_ name: String) throws {
        let target = try #require(ReplayTests.targets.first { $0.name == name })
        var count = 0
        for place in ["Corpus/\(name)", "Failures/\(name)", "../../docs/vectors/\(name)"] {
            let folder = ReplayTests.folder.appending(path: place)
            let path = folder.path(percentEncoded: false)
            guard FileManager.default.fileExists(atPath: path) else { continue }
            for file in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
                let bytes = [UInt8](try Data(contentsOf: folder.appending(path: file)))
                #expect(target.holds(bytes), "\(place)/\(file)")
                count += 1
            }
        }
        #expect(count > 0, "no inputs for \(name)")
    }

    @Test func everyFolderOfTargetsIsReplayed() throws {
        let path = ReplayTests.folder.appending(path: "Sources/Targets").path(percentEncoded: false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ReplayTests.targets.map(\.name))
    }
}
