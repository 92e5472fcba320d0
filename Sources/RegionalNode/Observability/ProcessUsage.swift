internal import Foundation

/// What the operating system says of this process (proc(5)).
struct ProcessUsage: Sendable {
    /// User and system, in seconds.
    var processorSeconds = 0.0
    var residentBytes = 0
    var openFiles = 0
    /// Unix seconds.
    var startTime = 0.0

    /// Reads it now; what cannot be read stays 0.
    static func now() -> ProcessUsage {
        var usage = ProcessUsage()
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        // The name in parentheses may hold spaces: fields are counted after it. The third field is the first here.
        if let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")"), ticks > 0
        {
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            if fields.count > 21 {
                usage.processorSeconds = ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / ticks
                usage.residentBytes = (Int(fields[21]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
                usage.startTime = bootTime + (Double(fields[19]) ?? 0) / ticks
            }
        }
        usage.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        return usage
    }

    /// Unix seconds at which the machine started.
    private static let bootTime: Double = {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst("btime ".count)) } ?? 0
    }()
}
