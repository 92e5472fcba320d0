import Foundation
import Glibc
import TestSupport

/// A program of the system that plays the other side of a connection.
struct Tool {
    struct Output {
        var status: Int32
        var standardOutput: Data
        var standardError: String
        var text: String { String(decoding: standardOutput, as: UTF8.self) }
    }

    let url: URL

    /// Finds `name` along PATH, or where Debian installs servers.
    init(_ name: String) throws {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/sbin"]
        for folder in folders where access("\(folder)/\(name)", X_OK) == 0 {
            url = URL(fileURLWithPath: "\(folder)/\(name)")
            return
        }
        throw TestFailure("\(name) is not installed: apt install nghttp2-client nghttp2-server curl")
    }

    /// Runs the program to its end, or for `seconds` at most.
    /// - Parameter input: its standard input; nil for none.
    func run(_ arguments: [String], input: URL? = nil, seconds: Int = 30) async throws -> Output {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (output, error) = (try folder.file("out", Data()), try folder.file("err", Data()))
        let running = try start(arguments, input: input, output: output, error: error)
        defer { running.stop() }
        for _ in 0..<(seconds * 100) where running.process.isRunning {
            try await Task.sleep(for: .milliseconds(10))
        }
        guard !running.process.isRunning else {
            throw TestFailure("\(url.lastPathComponent) did not end within \(seconds) s")
        }
        return Output(
            status: running.process.terminationStatus,
            standardOutput: try Data(contentsOf: output),
            standardError: String(decoding: try Data(contentsOf: error), as: UTF8.self)
        )
    }

    /// Starts the program; the caller stops it.
    func start(_ arguments: [String], input: URL? = nil, output: URL? = nil, error: URL? = nil) throws -> RunningTool {
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        process.standardOutput = try output.map { try FileHandle(forWritingTo: $0) } ?? FileHandle.nullDevice
        process.standardError = try error.map { try FileHandle(forWritingTo: $0) } ?? FileHandle.nullDevice
        try process.run()
        return RunningTool(process: process)
    }
}

struct RunningTool {
    let process: Process

    func stop() {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}

/// A folder that is gone after the test.
struct TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("http2-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String {
        url.appendingPathComponent(name).path
    }

    @discardableResult
    func file(_ name: String, _ content: Data) throws -> URL {
        let file = url.appendingPathComponent(name)
        try content.write(to: file)
        return file
    }

    func remove() {
        try? FileManager.default.removeItem(at: url)
    }
}

/// A port of 127.0.0.1 that nobody listens on, and that the system gives to no other connection.
func freePort() throws -> Int { try Ports.next() }
