import Foundation
import TestSupport
import Testing

/// The inputs that fuzzing kept, and the vectors that it starts from, go through every decoder in the ordinary tests.
struct ReplayTests {
    private static let targets: [(name: String, holds: @Sendable ([UInt8]) -> Bool)] = [
        ("batch", BatchFuzz.holds),
        ("checkpoint", CheckpointFuzz.holds),
        ("difference", DifferenceFuzz.holds),
        ("encounters", EncountersFuzz.holds),
        ("export", ExportFuzz.holds),
        ("fork", ForkFuzz.holds),
        ("frontier", FrontierFuzz.holds),
        ("http", HTTPFuzz.holds),
        ("http2client", HTTP2ClientFuzz.holds),
        ("index", IndexFuzz.holds),
        ("link", LinkFuzz.holds),
        ("note", NoteFuzz.holds),
        ("problem", ProblemFuzz.holds),
        ("range", RangeFuzz.holds),
        ("request", RequestFuzz.holds),
        ("roster", RosterFuzz.holds),
        ("settled", SettledFuzz.holds),
        ("state", StateFuzz.holds),
    ]

    private static let folder = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    @Test(arguments: targets.map(\.name)) func keptInputs(_ name: String) throws {
        let target = try #require(ReplayTests.targets.first { $0.name == name })
        var count = 0
        for (name, bytes) in try ReplayTests.inputs(of: name) {
            #expect(target.holds(bytes), "\(name)")
            count += 1
        }
        #expect(count > 0, "no inputs for \(name)")
    }

    /// A little of what fuzzing does, in every run and always the same: without sanitizers, but with all the checks of
    /// the language.
    @Test(arguments: targets.map(\.name)) func mutatedInputs(_ name: String) throws {
        let target = try #require(ReplayTests.targets.first { $0.name == name })
        let inputs = try ReplayTests.inputs(of: name).map(\.bytes).filter { $0.count <= 4096 }
        var random = SplitMix64(seed: 9113)
        for number in 0..<(inputs.isEmpty ? 0 : 300) {
            guard var bytes = inputs.randomElement(using: &random) else { continue }
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                ReplayTests.mutate(&bytes, inputs, using: &random)
            }
            #expect(target.holds(bytes), "mutation \(number) of seed 9113: \(Data(bytes).base64EncodedString())")
        }
    }

    /// Changes a byte, takes some out, or puts some of another input in.
    private static func mutate(_ bytes: inout [UInt8], _ inputs: [[UInt8]], using random: inout SplitMix64) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where place < bytes.count:
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1:
            bytes.removeSubrange(place..<end)
        default:
            let other = inputs.randomElement(using: &random) ?? []
            let begin = Int.random(in: 0...other.count, using: &random)
            bytes.replaceSubrange(place..<end, with: other[begin...].prefix(Int.random(in: 1...40, using: &random)))
        }
    }

    private static func inputs(of name: String) throws -> [(name: String, bytes: [UInt8])] {
        var inputs: [(name: String, bytes: [UInt8])] = []
        for place in ["Corpus/\(name)", "Failures/\(name)", "../../docs/vectors/\(name)"] {
            let folder = ReplayTests.folder.appending(path: place)
            let path = folder.path(percentEncoded: false)
            guard FileManager.default.fileExists(atPath: path) else { continue }
            for file in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
                let bytes = [UInt8](try Data(contentsOf: folder.appending(path: file)))
                inputs.append(("\(place)/\(file)", bytes))
            }
        }
        return inputs
    }

    @Test func everyFolderOfTargetsIsReplayed() throws {
        let path = ReplayTests.folder.appending(path: "Sources/Targets").path(percentEncoded: false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ReplayTests.targets.map(\.name))
    }
}
