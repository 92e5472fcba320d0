import Foundation
import RegionalNode
import Testing
import TestSupport

/// What a whole node says, and when it reached the disk, by the system calls of its process.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NodeDurabilityTests {
    private static let canTrace: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/strace")
        process.arguments = ["-o", "/dev/null", "/bin/true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private static let imports = 6

    /// The first node imports, the second gets it from there and passes it on to the third.
    @Test(.enabled(if: canTrace, "strace is not installed, or tracing is not allowed"))
    func nothingIsSaidBeforeItIsOnTheDisk() async throws {
        try await Cluster.with("VN-01", "VN-48", "VN-79") { cluster in
            for region in ["VN-01", "VN-48"] {
                try await cluster.start(
                    region,
                    under: [
                        "/usr/bin/strace", "-D", "-f", "-yy", "-s", "600", "-o",
                        cluster.scratch.file("\(region).trace"),
                        "-e", "trace=pwrite64,fdatasync,fsync,write,writev,sendmsg,sendto",
                    ]
                )
            }
            try await cluster.start("VN-79")
            // Links and connections are opened whenever they can be, also while a batch is being stored: the audit begins
            // when all are there.
            #expect(try await eventually { try await cluster.status("VN-48").links == ["VN-01", "VN-79"] })
            try await importAndConverge(cluster, "first.zip")
            let passed = ["VN-01", "VN-48"].map { trace(of: $0, in: cluster).count }
            for number in 0..<Self.imports { try await importAndConverge(cluster, "\(number).zip") }
            for region in ["VN-01", "VN-48", "VN-79"] { _ = try await cluster.stop(region) }
            for (region, lines) in zip(["VN-01", "VN-48"], passed) {
                var audit = SaidAudit(log: "\(region).store-wal")
                for line in trace(of: region, in: cluster).dropFirst(lines) { audit.read(line) }
                #expect(audit.violations == [], "\(region)")
                #expect(audit.synchronised >= Self.imports, "\(region)")
                #expect(audit.said >= Self.imports, "\(region) passed nothing on")
                #expect(region != "VN-01" || audit.acknowledged == Self.imports)
            }
        }
    }

    private func importAndConverge(_ cluster: Cluster, _ name: String) async throws {
        let archive = try cluster.archives.make(name, patients: 20)
        #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
        #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
    }

    private func trace(of region: String, in cluster: Cluster) -> [Substring] {
        cluster.scratch.text("\(region).trace").split(separator: "\n")
    }

    @Test func theAuditNoticesWhatIsSaidTooEarly() {
        let write = "7 pwrite64(9</c/x-wal>, \"x\", 24, 0) = 24"
        let sync = "7 fdatasync(9</c/x-wal>) = 0"
        let push = "8 writev(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base=\"x\", iov_len=1700}], 1) = 1700"
        let ping = "8 write(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"x\", 17) = 17"
        let begun = "8 write(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"x\", 1700 <unfinished ...>"
        let done = "8 <... write resumed>) = 1700"
        let answer = "8 write(3<UNIX-STREAM:[1->2]>, \"{\\\"published\\\":3\", 90) = 90"
        let cases: [([String], Int)] = [
            ([write, sync, push, answer], 0), ([write, push, sync], 1), ([write, answer, sync], 1),
            ([write, begun, sync, done], 1), ([begun, write, done, sync], 0), ([write, sync, begun, done], 0),
            ([write, ping, sync, answer], 0), ([push, write, sync], 0),
            ([write, "7 fdatasync(9</c/x-wal>) = -1 EIO", push], 1),
            ([write, "7 fdatasync(9</c/x-wal> <unfinished ...>", push, "7 <... fdatasync resumed>) = 0"], 1),
            ([write, "7 fdatasync(9</c/x-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0", push], 0),
            ([write, "7 fdatasync(4</c/x> <unfinished ...>", "7 <... fdatasync resumed>) = 0", push], 1),
        ]
        for (lines, violations) in cases {
            var audit = SaidAudit(log: "x-wal")
            for line in lines { audit.read(line[...]) }
            #expect(audit.violations.count == violations, "\(lines)")
        }
    }
}

/// Reads a trace of a node that does one thing at a time, and finds what it says while its log is written and not yet
/// synchronised: an answer to an import, or a batch to another node.
struct SaidAudit {
    private let log: String
    private var isDirty = false
    /// Threads that are synchronising the log.
    private var synchronising: Set<Substring> = []
    private(set) var synchronised = 0
    private(set) var acknowledged = 0
    /// Times that something of a batch's size was said to other nodes.
    private(set) var said = 0
    private(set) var violations: [Substring] = []
    /// Threads in a call that says something, and whether it began while the log was not synchronised.
    private var saying: [Substring: Bool] = [:]

    /// Bytes. The batches of this test have more; adverts, digests and indexes of a few feeds, which may be sent at any
    /// time, have less.
    private static let size = 1024

    init(log: String) {
        self.log = log
    }

    mutating func read(_ line: Substring) {
        let thread = line.prefix { $0 != " " }
        if line.contains("pwrite64("), line.contains("\(log)>") {
            isDirty = true
        } else if line.contains("sync("), line.contains("\(log)>") {
            if line.hasSuffix("= 0") { clean() } else if line.contains("<unfinished") { synchronising.insert(thread) }
        } else if line.contains("sync resumed>") {
            if synchronising.remove(thread) != nil, line.hasSuffix("= 0") { clean() }
        } else if line.contains("published\\\""), line.contains("<UNIX") {
            acknowledged += 1
            if isDirty { violations.append(line) }
        } else if line.contains("<TCP") {
            if line.contains("<unfinished") { saying[thread] = isDirty } else { say(line, isEarly: isDirty) }
        } else if line.contains(" resumed>"), let isEarly = saying.removeValue(forKey: thread) {
            say(line, isEarly: isEarly)
        }
    }

    private mutating func say(_ line: Substring, isEarly: Bool) {
        guard let written = Int(SaidAudit.result(line)), written >= SaidAudit.size else { return }
        said += 1
        if isEarly { violations.append(line) }
    }

    private mutating func clean() {
        if isDirty { synchronised += 1 }
        isDirty = false
    }

    /// What the call returned.
    private static func result(_ line: Substring) -> String {
        line.range(of: " = ", options: .backwards).map { String(line[$0.upperBound...]) } ?? ""
    }
}
