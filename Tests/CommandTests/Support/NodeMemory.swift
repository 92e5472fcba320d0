import Foundation
import TestSupport

/// What a node's process takes.
extension Cluster {
    /// Resident memory of a node.
    func residentMiB(_ region: String) throws -> Int { try memory(of: region, "VmRSS") }

    /// The most that it was since it began, or since `forgetPeak`.
    func peakMiB(_ region: String) throws -> Int { try memory(of: region, "VmHWM") }

    func forgetPeak(of region: String) throws {
        let path = "/proc/\(try node(region).identifier)/clear_refs"
        try "5".write(toFile: path, atomically: false, encoding: .utf8)
    }

    private func memory(of region: String, _ name: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(node(region).identifier)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw TestFailure("no \(name) in \(text)")
        }
        return kibibytes >> 10
    }
}
