import Foundation
import Testing

/// `loadtest/bench` over archives that `keytide sample exports` has just made: the script, the program, and the form of
/// what they print. The figures themselves are no matter for a test on a busy machine, except for sizes.
struct BenchTests {
    private static let fields = ["bench", "case", "peer", "ours", "theirs", "limit", "ratio", "unit"]

    @Test func feedSize() throws {
        let samples = try SampleExports()
        let lines = try Bench.run(["feed-size"] + samples.archives)
        #expect(lines.count == samples.archives.count && lines.count == 1)
        let own = ["keys", "groups", "tableBytesPerGroup", "checkpointBytes", "theirsRatio", "keysOutsideWindow"]
        for line in lines {
            #expect(line.keys.sorted() == (Self.fields + own).sorted())
            #expect(line["bench"] as? String == "feed-size" && line["unit"] as? String == "bytes")
            let keys = try #require(line["keys"] as? Int)
            #expect((200...600).contains(keys), "50 patients have about 400 keys, not \(keys)")
            let ours = try #require(line["ours"] as? Double)
            let limit = try #require(line["limit"] as? Double)
            let ratio = try #require(line["ratio"] as? Double)
            #expect(ratio > 1 && ratio <= 1.07 && abs(ours / limit - ratio) < 1e-4)
            #expect(try #require(line["tableBytesPerGroup"] as? Double) <= 3.2)
            #expect(try #require(line["checkpointBytes"] as? Int) <= 300)
        }
    }

    @Test func importing() throws {
        let samples = try SampleExports()
        let lines = try Bench.run(["import", "--rounds", "5"] + samples.archives)
        #expect(lines.map { $0["unit"] as? String } == ["us/key", "MB"])
        for line in lines {
            #expect(Self.fields.allSatisfy { line.keys.contains($0) })
            #expect(try #require(line["ratio"] as? Double) > 0)
            #expect(try #require(line["published"] as? Int) > 200)
        }
        #expect(lines.last?["theirs"] is NSNull)
    }

    @Test func codec() throws {
        let lines = try Bench.run(["codec", "--rounds", "5"])
        #expect(lines.map { $0["case"] as? String } == ["encode keys=57972", "decode keys=57972"])
        for line in lines {
            #expect(Self.fields.allSatisfy { line.keys.contains($0) })
            #expect(try #require(line["oursBytes"] as? Int) < 57_972 * 16)
        }
    }

    /// A thousandth of the requests: the way, not the figures. One round has no spread, so it is held to no limit.
    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
    func serving() throws {
        let arguments = ["--rounds", "1", "--share", "0.001", "--peers", "nghttpd", "--sizes", "200B,64KiB"]
        for scheme in [[], ["--cleartext"]] {
            let lines = try Bench.run(["serve"] + arguments + scheme)
            let suffix = scheme.isEmpty ? "" : " cleartext"
            #expect(lines.map { $0["case"] as? String } == ["200B\(suffix)", "64KiB\(suffix)"])
            for line in lines {
                #expect(Self.fields.allSatisfy { line.keys.contains($0) })
                #expect(line["peer"] as? String == "nghttpd")
                #expect(line["limit"] is NSNull && line["theirsSpread"] is NSNull)
                #expect(try #require(line["ours"] as? Double) > 0 && #require(line["theirs"] as? Double) > 0)
            }
            let sizes = try lines.map { try #require($0["bytes"] as? Int) }
            #expect((200...300).contains(sizes[0]) && (65_000...66_000).contains(sizes[1]))
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
    func polling() throws {
        var figures: [String: Double] = [:]
        for line in try Bench.run(["poll", "--polls", "3"]) {
            let name = try #require(line["case"] as? String)
            figures[name] = try #require(line["ours"] as? Double)
            if let limit = line["limit"] as? Double { #expect(try #require(figures[name]) <= limit, "\(name)") }
        }
        let new = try #require(figures["poll on a new TLS connection by openssl, TCP payload"])
        let resumed = try #require(figures["poll on a resumed TLS connection by openssl, TCP payload"])
        #expect(try #require(figures["warm poll, HTTP/2 frames"]) > 50 && new > resumed)
        #expect(figures.keys.filter { $0.hasPrefix("index feeds=") }.count == 4)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
    func memory() throws {
        // Of few connections the growth drowns in what the first handshakes have freed.
        let lines = try Bench.run(["memory", "--connections", "2000", "--rounds", "1"])
        #expect(lines.map { $0["unit"] as? String } == ["bytes/connection"])
        #expect(try #require(lines.first?["ours"] as? Double) > 5000)
    }

    /// Soon after the start, with indexes every few seconds: what is counted, not how much.
    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
    func idleLink() throws {
        let lines = try Bench.run(["idle-link", "--nodes", "3", "--slot", "10", "--seconds", "25", "--settle", "0"])
        let line = try #require(lines.first)
        #expect(lines.count == 1 && line["unit"] as? String == "bytes/s" && line["limit"] as? Double == 100)
        let figures = try ["ours", "sent", "received", "tcpSent", "tcpReceived"].map { name in
            try #require(line[name] as? Double)
        }
        #expect(figures[0] > 0 && abs(figures[0] - figures[1] - figures[2]) < 0.01)
        // Each record of TLS adds 22 bytes.
        #expect(figures[3] >= figures[1] && figures[4] >= figures[2])
        #expect(try #require(line["signings"] as? Int) > 0)
    }

    @Test func whatIsNoBenchPrintsNothing() throws {
        let outcome = try Program.run(Bench.script, ["no-such-bench"], environment: Bench.environment)
        #expect(outcome.status != 0 && outcome.output.isEmpty)
    }
}

/// The script under test, told which program to run so that a test builds nothing.
enum Bench {
    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../loadtest/bench").standardized

    static var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(["KEYTIDE_BENCH_PROGRAM": Program.built("Benches").path]) { $1 }
    }

    /// The JSON objects that a bench prints, one a line and nothing else.
    static func run(_ arguments: [String]) throws -> [[String: Any]] {
        let outcome = try Program.run(script, arguments, environment: environment)
        #expect(outcome.status == 0)
        return try outcome.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}

/// A day's archive and the key that verifies it, in a directory of their own.
final class SampleExports {
    let archives: [String]
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("bench-tests-\(UUID().uuidString)")
        let arguments = ["sample", "exports", "--directory", directory.path, "--patients", "50", "--days", "1"]
        let outcome = try Program.run(Program.built("keytide"), arguments)
        #expect(outcome.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        archives = names.filter { $0.hasSuffix(".zip") }.sorted().map { [directory] in "\(directory.path)/\($0)" }
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }
}

enum Program {
    /// An executable of this package, beside the tests.
    static func built(_ name: String) -> URL {
        Bundle.main.bundleURL.appendingPathComponent(name)
    }

    /// Runs to the end; what goes to standard error is shown.
    static func run(
        _ executable: URL,
        _ arguments: [String],
        environment: [String: String]? = nil
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        if let environment { process.environment = environment }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
