import Foundation

/// The process that a bench runs in.
enum ThisProcess {
    /// Fails unless this process is confined to one core, as `loadtest/bench` does for benches of one core.
    static func expectOneCore() throws {
        let cores = try status("Cpus_allowed_list:")
        guard Int(cores) != nil else {
            throw BenchError("this process may use the cores \(cores); run it under taskset -c and one number")
        }
    }

    /// Goes on as another run of this executable, with other arguments, that may use the last core only.
    static func goOnOnOneCore(_ arguments: [String]) throws -> Never {
        guard let core = try allowedCores().last else { throw BenchError("this process may use no core") }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        var command = (["/usr/bin/taskset", "-c", String(core), program] + arguments).map { strdup($0) } + [nil]
        execv("/usr/bin/taskset", &command)
        throw BenchError("taskset cannot be started")
    }

    /// The cores that this process may use, ascending.
    static func allowedCores() throws -> [Int] {
        try status("Cpus_allowed_list:").split(separator: ",").flatMap { part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else {
                throw BenchError("/proc/self/status names the cores \(part)")
            }
            return Array(first...last)
        }
    }

    /// Processor time that this process has used, all threads together.
    static var processorSeconds: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return .nan }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The most memory that was resident at any time (VmHWM), in MB of 10^6 bytes.
    static func peakMemory() throws -> Double {
        let text = try status("VmHWM:")
        guard let number = text.split(separator: " ").first, let kibibytes = Double(number) else {
            throw BenchError("VmHWM is \(text), no number of kB")
        }
        return kibibytes * 1024 / 1e6
    }

    private static func status(_ name: String) throws -> String {
        let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else {
            throw BenchError("/proc/self/status has no \(name); the benches need Linux")
        }
        return line.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
    }

    /// A file of the directory `loadtest`.
    static func benchFile(_ name: String) throws -> String {
        guard let directory = ProcessInfo.processInfo.environment["KEYTIDE_BENCH_FILES"] else {
            throw BenchError("KEYTIDE_BENCH_FILES does not name the directory loadtest; run loadtest/bench")
        }
        return "\(directory)/\(name)"
    }

    /// Lets this process and its children open so many files at once.
    static func raiseOpenFiles(to number: Int) throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw BenchError("the limit of open files cannot be read")
        }
        guard limit.rlim_cur < rlim_t(number) else { return }
        limit.rlim_cur = rlim_t(number)
        limit.rlim_max = max(limit.rlim_max, limit.rlim_cur)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw BenchError("this process may not open \(number) files at once; raise ulimit -n")
        }
    }

    /// Runs this executable again with other arguments.
    /// - Returns: what it wrote on standard output.
    static func runAgain(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError("\(arguments.first ?? "a child") ended with status \(process.terminationStatus)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A directory for stores, on a real disk, removed at the end.
struct Workplace: ~Copyable {
    let path: String

    init() throws {
        let base =
            ProcessInfo.processInfo.environment["KEYTIDE_BENCH_DIRECTORY"] ?? FileManager.default.currentDirectoryPath
        path = "\(base)/bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Removes all files of an earlier round.
    func clear() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
