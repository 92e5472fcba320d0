import Foundation
import Testing
import TestSupport

/// A control group of version 1 that a test has made.
struct MadeGroup {
    private let path: String

    /// - Returns: nil if this machine does not let us make one.
    init?(_ controller: String, _ file: String, _ value: String) {
        let parent = "/sys/fs/cgroup/\(controller)"
        path = "\(parent)/keytide-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard FileManager.default.fileExists(atPath: "\(parent)/cgroup.procs"), mkdir(path, 0o755) == 0 else {
            return nil
        }
        guard (try? value.write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)) != nil else {
            rmdir(path)
            return nil
        }
    }

    /// What a shell does to enter it.
    var entry: String { "echo $$ > \(path)/cgroup.procs" }

    /// What comes before a command that is to run in it.
    var wrapper: [String] { ["/bin/sh", "-c", entry + "; exec \"$@\"", "sh"] }

    /// Waits until nothing runs in it.
    func remove() async throws {
        #expect(try await eventually { rmdir(path) == 0 || errno == ENOENT })
    }

    static var isPossible: Bool {
        guard let group = MadeGroup("pids", "pids.max", "max") else { return false }
        return rmdir(group.path) == 0
    }

    /// Why a test of groups does not run.
    static let otherwise: Comment = "no control groups of version 1 can be made here"
}
