import Foundation

/// Programs that benches run.
enum Command {
    /// The `keytide` beside this program, which `loadtest/bench` builds too.
    static func keytide() throws -> String {
        let beside = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = beside.appendingPathComponent("keytide").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw BenchError("there is no program \(path); build the product keytide first")
        }
        return path
    }

    /// Runs to the end.
    /// - Parameter command: a program, found by PATH, and its arguments.
    /// - Returns: what it wrote on standard output; what it wrote on standard error is in the error if it fails.
    @discardableResult
    static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let output = Pipe()
        let errors = FileManager.default.temporaryDirectory.appendingPathComponent("bench-errors-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let words = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            throw BenchError("\(command.joined(separator: " ")) ended with \(process.terminationStatus): \(words)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
