import Foundation
import Glibc

/// A server in a process of its own, confined to one core.
final class ServerProcess {
    let port: Int
    private let process = Process()
    private let log: String

    /// - Parameters:
    ///   - command: a program and its arguments.
    ///   - log: file for what it prints.
    init(_ command: [String], core: Int, port: Int, log: String) throws {
        self.port = port
        self.log = log
        try Data().write(to: URL(fileURLWithPath: log))
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments = ["-c", String(core)] + command
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        // taskset becomes the command, so this is the server's own process.
        try process.run()
    }

    var identifier: Int32 { process.processIdentifier }

    func waitUntilReady(seconds: Double = 30) throws {
        let start = ContinuousClock.now
        while Rounds.seconds(since: start) < seconds {
            guard process.isRunning else { break }
            if Ports.accepts(port) { return }
            usleep(20_000)
        }
        let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw BenchError("\(process.arguments?.dropFirst(2).first ?? "the server") does not listen: \(words)")
    }

    /// Seconds of processor time of all threads of this process and its children, since they began.
    func processorTime() throws -> Double {
        let nanoseconds = try ProcessTable.family(identifier).reduce(0.0) { sum, process in
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
            return try threads.reduce(sum) { sum, thread in
                let path = "/proc/\(process)/task/\(thread)/schedstat"
                let fields = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
                guard let time = fields.first.flatMap({ Double($0) }) else {
                    throw BenchError("\(path) tells no processor time")
                }
                return sum + time
            }
        }
        return nanoseconds / 1e9
    }

    /// Memory in bytes that this process and its children have for themselves, shared pages divided (Pss).
    func memory() throws -> Double {
        try ProcessTable.family(identifier).reduce(0.0) { sum, process in
            let text = try String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8)
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
                let kibibytes = Double(line.split(separator: " ").dropFirst().first ?? "")
            else { throw BenchError("/proc/\(process)/smaps_rollup tells no Pss") }
            return sum + kibibytes * 1024
        }
    }

    /// Ends it and its children, and waits.
    /// - Parameter seconds: how long it may take to end by itself. Some servers never do: what a thread of libdispatch
    ///   starts begins with SIGTERM blocked.
    func stop(within seconds: Double = 0.5) {
        guard process.isRunning else { return }
        let family = (try? ProcessTable.family(identifier)) ?? [identifier]
        process.terminate()
        let start = ContinuousClock.now
        while process.isRunning, Rounds.seconds(since: start) < seconds { usleep(10_000) }
        if process.isRunning {
            for process in family { kill(process, SIGKILL) }
        }
        process.waitUntilExit()
    }
}

/// What the kernel knows of processes.
enum ProcessTable {
    /// A process and its children, such as a worker.
    static func family(_ process: Int32) throws -> [Int32] {
        let path = "/proc/\(process)/task/\(process)/children"
        let children = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").compactMap { Int32($0) }
        return [process] + children
    }
}

/// Ports on 127.0.0.1.
enum Ports {
    /// A port, the next one free as well.
    static func free() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            if isFree(port), isFree(port + 1) { return port }
        }
        throw BenchError("no port from 20000 to 32000 is free")
    }

    /// A listening socket on a port of its own.
    static func listen() throws -> (socket: Int32, port: Int) {
        let port = try free()
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, with(port, { bind(descriptor, $0, $1) == 0 }), Glibc.listen(descriptor, 1) == 0 else {
            throw BenchError("port \(port) cannot be listened on")
        }
        return (descriptor, port)
    }

    /// Whether somebody listens.
    static func accepts(_ port: Int) -> Bool {
        withSocket(port) { connect($0, $1, $2) == 0 }
    }

    private static func isFree(_ port: Int) -> Bool {
        withSocket(port) { bind($0, $1, $2) == 0 }
    }

    private static func withSocket(
        _ port: Int,
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return with(port) { body(descriptor, $0, $1) }
    }

    private static func with(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
