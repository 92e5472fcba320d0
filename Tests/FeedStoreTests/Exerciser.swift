import Foundation
import Testing

/// Runs of the executable FeedStoreExerciser.
struct Exerciser {
    private let process = Process()
    private let output: URL
    private let input = Pipe()

    /// Starts it; its standard output goes to a file in `scratch`.
    /// - Parameter tracer: a command that runs another command, and its arguments.
    init(_ arguments: [String], in scratch: Scratch, under tracer: [String] = []) throws {
        output = scratch.folder.appendingPathComponent("output-\(UUID().uuidString)")
        try Data().write(to: output)
        let command = tracer + [Exerciser.executable.path] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
    }

    /// Beside the test bundle, where the package manager builds all products.
    static var executable: URL {
        Bundle.main.bundleURL.appendingPathComponent("FeedStoreExerciser")
    }

    var identifier: Int32 { process.processIdentifier }

    /// Lines printed so far; one that is not complete does not count.
    func lines() throws -> [String] {
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Numbers acknowledged so far.
    func acknowledged() throws -> [UInt64] {
        try lines().compactMap { $0.hasPrefix("ack ") ? UInt64($0.dropFirst(4)) : nil }
    }

    /// Waits until `condition` holds for the lines, ten seconds at most.
    func wait(until condition: ([String]) -> Bool) throws {
        for _ in 0..<2000 {
            if condition(try lines()) { return }
            Thread.sleep(forTimeInterval: 0.005)
        }
        Issue.record("the exerciser printed only \(try lines().suffix(3))")
    }

    /// Closes its standard input and waits for its end.
    /// - Returns: its exit status.
    func finish() throws -> Int32 {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Ends it as a power cut of the process would.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
