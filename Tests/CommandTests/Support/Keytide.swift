import Foundation
import TestSupport

/// The executable under test.
enum Keytide {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
        /// Lines on standard error.
        var complaints: [Substring] { errors.split(separator: "\n") }
    }

    /// Beside the test bundle, where the package manager builds all products.
    static let executable = Bundle.main.bundleURL.appendingPathComponent("keytide").path

    /// Runs a command to its end; it is killed after `seconds`, or when the test is cancelled.
    static func run(
        _ arguments: String...,
        environment: [String: String] = [:],
        in scratch: Scratch,
        seconds: Double = 30
    ) async throws -> Outcome {
        try await run(arguments, environment: environment, in: scratch, seconds: seconds)
    }

    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        in scratch: Scratch,
        seconds: Double = 30
    ) async throws -> Outcome {
        let child = try Child([executable] + arguments, environment: environment, in: scratch)
        defer { child.kill() }
        guard let status = try await child.end(within: seconds) else {
            throw TestFailure("keytide \(arguments.joined(separator: " ")) did not end within \(seconds) s")
        }
        return Outcome(status: status, output: child.output, errors: child.errors)
    }
}

/// A process that a test has started, and must end.
final class Child {
    private let process = Process()
    private let scratch: Scratch
    private let name: String

    /// - Parameter command: the path of a program and its arguments.
    init(_ command: [String], environment: [String: String] = [:], in scratch: Scratch) throws {
        self.scratch = scratch
        name = "child-\(UUID().uuidString.prefix(8))"
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KEYTIDE_") }
        variables["SWIFT_BACKTRACE"] = "enable=no"
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let (output, errors) = (
            try Child.file(scratch.file(name + ".out")), try Child.file(scratch.file(name + ".err"))
        )
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // The child has its own: Foundation keeps what it was given for as long as this process lives, and looks through
        // all of it at each start.
        try output.close()
        try errors.close()
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { scratch.text(name + ".out") }
    var errors: String { scratch.text(name + ".err") }

    func signal(_ number: Int32) {
        if process.isRunning { Foundation.kill(process.processIdentifier, number) }
    }

    /// - Returns: the exit status, a signal's number negated; nil if the process still runs.
    func end(within seconds: Double) async throws -> Int32? {
        guard try await eventually(seconds: seconds, { !process.isRunning }) else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Ends the process at once, if it still runs.
    func kill() {
        guard process.isRunning else { return }
        signal(SIGKILL)
        process.waitUntilExit()
    }
}
