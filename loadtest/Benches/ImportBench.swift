import ArgumentParser
import ExposureKeys
import ExposureNotification
import Foundation

/// What the archives of an import bench share.
struct ImportOptions: ParsableArguments {
    @Option(help: "Public key of the archives' publisher; by default the .der file beside them.", completion: .file())
    var key: String?

    @Argument(help: "Export archives, in the order of import.", completion: .file())
    var archives: [String]

    func verificationKey() throws -> ExportVerificationKey {
        let path = try key ?? keyBeside()
        return try ExportVerificationKey(derOrPEM: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    }

    private func keyBeside() throws -> String {
        let directory = ((archives.first ?? "") as NSString).deletingLastPathComponent
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "." : directory)
        let found = names.filter { $0.hasSuffix(".der") }
        guard found.count == 1, let name = found.first else {
            throw BenchError("\(found.count) .der files lie beside the archives; name one with --key")
        }
        return (directory as NSString).appendingPathComponent(name)
    }
}

/// Wall time and memory of an import on one core.
struct ImportBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Microseconds a key to read, verify, merge, publish and store archives, on one core.",
        discussion: """
            The peer inserts the same keys through SQLite's C interface: one table without an index, one prepared \
            statement, one transaction, write-ahead log, synchronous = FULL. It reads no file, checks no signature and \
            finds no duplicate. Rounds alternate; medians count.
            """
    )

    @Option(help: "Rounds of each side.")
    var rounds = 7

    @OptionGroup var options: ImportOptions

    /// Microseconds a key: 400,000 keys a second.
    private static let timeLimit = 2.5
    /// MB resident.
    private static let memoryLimit = 200.0

    func validate() throws {
        guard (5...1000).contains(rounds) else { throw ValidationError("--rounds must be 5 to 1000") }
    }

    func run() throws {
        try ThisProcess.expectOneCore()
        let key = try options.verificationKey()
        var keys: [DiagnosisKey] = []
        var clock: Int64 = 0
        for path in options.archives {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let archive = try ExportArchive.open(bytes, verifiedWith: key)
            keys += archive.keys
            clock = max(clock, archive.end)
        }
        guard !keys.isEmpty else { throw BenchError("the archives hold no keys") }
        try time(ImportRun(archives: options.archives, key: key, clock: clock), beside: SQLitePeer(keys))
        try memory(clock: clock, keys: keys.count)
    }

    private func time(_ ours: ImportRun, beside peer: SQLitePeer) throws {
        let workplace = try Workplace()
        var outcome = ImportRun.Outcome()
        var oursMicroseconds = Rounds()
        var theirsMicroseconds = Rounds()
        var oursProcessor = Rounds()
        var theirsProcessor = Rounds()
        for round in 1...rounds {
            try workplace.clear()
            outcome = try ours(in: workplace.path)
            oursMicroseconds.add(outcome.seconds * 1e6 / Double(outcome.keys))
            oursProcessor.add(outcome.processorSeconds * 1e6 / Double(outcome.keys))
            try workplace.clear()
            let processorStart = ThisProcess.processorSeconds
            theirsMicroseconds.add(try peer(in: workplace.path) * 1e6 / Double(peer.count))
            theirsProcessor.add((ThisProcess.processorSeconds - processorStart) * 1e6 / Double(peer.count))
            Progress.report("import, round \(round) of \(rounds)")
        }
        ResultLine(
            bench: "import",
            case: "keys=\(outcome.keys)",
            peer: "sqlite3",
            ours: oursMicroseconds.median,
            theirs: theirsMicroseconds.median,
            limit: ImportBench.timeLimit,
            ratio: oursMicroseconds.median / theirsMicroseconds.median,
            unit: "us/key",
            further: [
                ("keysPerSecond", 1e6 / oursMicroseconds.median), ("rounds", Double(rounds)),
            ] + oursMicroseconds.spread("ours") + theirsMicroseconds.spread("theirs") + [
                ("oursProcessor", oursProcessor.median), ("theirsProcessor", theirsProcessor.median),
                ("published", Double(outcome.published)), ("expired", Double(outcome.expired)),
                ("duplicates", Double(outcome.duplicates)), ("batchBytes", Double(outcome.batchBytes)),
            ]
        ).print()
    }

    /// In a process of its own, so that the peer's memory does not count.
    private func memory(clock: Int64, keys: Int) throws {
        var arguments = ["import-once", "--clock", String(clock)]
        if let key = options.key { arguments += ["--key", key] }
        let output = try ThisProcess.runAgain(arguments + ["--"] + options.archives)
        let outcome = try JSONDecoder().decode(ImportRun.Outcome.self, from: Data(output.utf8))
        ResultLine(
            bench: "import",
            case: "keys=\(outcome.keys)",
            peer: "none",
            ours: outcome.peakMemory,
            theirs: nil,
            limit: ImportBench.memoryLimit,
            ratio: outcome.peakMemory / ImportBench.memoryLimit,
            unit: "MB",
            further: [("published", Double(outcome.published))]
        ).print()
    }
}

/// One import in a process that does nothing else, for its memory and for profilers.
struct ImportOnce: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-once",
        abstract: "One import in this process; prints what came of it.",
        shouldDisplay: false
    )

    @Option(help: "Unix seconds of the node's clock.")
    var clock: Int64

    @OptionGroup var options: ImportOptions

    func run() throws {
        try ThisProcess.expectOneCore()
        let workplace = try Workplace()
        let importing = ImportRun(archives: options.archives, key: try options.verificationKey(), clock: clock)
        var outcome = try importing(in: workplace.path)
        outcome.peakMemory = try ThisProcess.peakMemory()
        FileHandle.standardOutput.write(try JSONEncoder().encode(outcome))
    }
}
