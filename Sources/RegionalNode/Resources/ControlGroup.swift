internal import Foundation

/// The limits of the control groups that this process is in, of either version (cgroups(7)); containers and systemd
/// set these. A limit of any group further up holds as well.
package struct ControlGroup: Sendable, Equatable {
    /// Bytes of memory that the group may use; nil if it is not limited.
    package var memory: Int?
    /// Threads and processes that the group may have; nil if it is not limited.
    package var processes: Int?

    /// Version 1 says so with a number near the largest there is.
    private static let unlimited = 1 << 60
    private static let depth = 64

    /// - Parameters:
    ///   - groups: the content of `/proc/self/cgroup`.
    ///   - mounts: the content of `/proc/self/mountinfo`.
    ///   - read: the content of a file; nil if it cannot be read.
    package init(groups: String, mounts: String, read: (String) -> String?) {
        memory = nil
        processes = nil
        let mounted = mounts.split(separator: "\n").compactMap { Mount($0) }
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            let isUnified = parts[0] == "0" && controllers.isEmpty
            for mount in mounted where mount.isUnified == isUnified {
                if isUnified || (mount.has("memory") && controllers.contains("memory")) {
                    let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
                    memory = ControlGroup.least(memory, mount.limit(parts[2], file, read))
                }
                if isUnified || (mount.has("pids") && controllers.contains("pids")) {
                    processes = ControlGroup.least(processes, mount.limit(parts[2], "pids.max", read))
                }
            }
        }
    }

    /// Those of this process.
    package static var current: ControlGroup {
        func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
        return ControlGroup(
            groups: read("/proc/self/cgroup") ?? "",
            mounts: read("/proc/self/mountinfo") ?? "",
            read: read
        )
    }

    private static func least(_ one: Int?, _ other: Int?) -> Int? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// A mounted hierarchy of groups: a line of mountinfo (proc(5)).
    private struct Mount {
        /// The group that stands at the mount point.
        let root: Substring
        let point: String
        let isUnified: Bool
        private let options: [Substring]

        init?(_ line: Substring) {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            let (left, right) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
            guard left.count >= 5, right.count >= 3, right[0].hasPrefix("cgroup") else { return nil }
            root = left[3]
            point = String(left[4])
            isUnified = right[0] == "cgroup2"
            options = right[2].split(separator: ",")
        }

        func has(_ controller: Substring) -> Bool { options.contains(controller) }

        /// The least number that `file` has in this group and those above it.
        func limit(_ group: Substring, _ file: String, _ read: (String) -> String?) -> Int? {
            // A container sees its own group as the root, though its path may be told from the host's root.
            let isBelow = root != "/" && (group == root || group.hasPrefix(root + "/"))
            var names = (isBelow ? group.dropFirst(root.count) : group).split(separator: "/")
            var least: Int?
            for _ in 0..<ControlGroup.depth {
                let path = ([point] + names.map(String.init) + [file]).joined(separator: "/")
                let text = read(path)?.trimmingCharacters(in: .whitespacesAndNewlines)
                if let number = text.flatMap({ Int($0) }), number < ControlGroup.unlimited {
                    least = ControlGroup.least(least, number)
                }
                guard names.popLast() != nil else { break }
            }
            return least
        }
    }
}
