import Foundation
import NIOCore

/// The cores of this machine that a process may use.
enum ProcessorCores {
    /// As the scheduler has it (taskset and service managers set that) and as containers limit it; 1 or more. NIO asks
    /// for the latter only, and two event loops on one core get in each other's way.
    static var allowed: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let masks = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
        // Hexadecimal digits, in groups between commas.
        let count = masks?.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return max(1, min(count ?? .max, System.coreCount))
    }
}
