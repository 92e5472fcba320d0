import ExposureKeys
import FeedFormat
import FeedStore
import FeedStoreExerciser
import Foundation
import Testing

/// What another process did to the store, and what is left of it.
@Suite(.serialized) struct DurabilityTests {
    /// Whether a process may be traced here.
    private static let canTrace: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/strace")
        process.arguments = ["-o", "/dev/null", "/bin/true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    @Test(.enabled(if: canTrace, "strace is not installed, or tracing is not allowed"), arguments: [1000, 900_000])
    func theLogIsSynchronisedBeforeAnAppendReturns(size: Int) throws {
        let scratch = try Scratch()
        let trace = scratch.folder.appendingPathComponent("trace")
        let run = try Exerciser(
            ["append", scratch.path, "\(size)", "12"],
            in: scratch,
            under: ["/usr/bin/strace", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", trace.path]
        )
        #expect(try run.finish() == 0)
        var audit = SyncAudit(log: scratch.path + "-wal")
        for line in try String(contentsOf: trace, encoding: .utf8).split(separator: "\n") { audit.read(line) }
        #expect(audit.acknowledged == 12)
        #expect(audit.violations == [])
    }

    @Test func theAuditNoticesAMissingSynchronisation() {
        let write = "1 pwrite64(5</t/f-wal>, \"x\", 24, 0) = 24"
        let sync = "1 fdatasync(5</t/f-wal>) = 0"
        let acknowledgement = "1 write(1</t/out>, \"ack 0\\n\", 6) = 6"
        let cases: [([String], Int)] = [
            ([write, sync, acknowledgement], 0), ([write, acknowledgement], 1), ([acknowledgement], 1),
            ([sync, write, acknowledgement], 1), ([write, sync, acknowledgement, acknowledgement], 1),
            ([write, "1 fdatasync(5</t/f-wal>) = -1 EIO", acknowledgement], 1),
            ([write, "1 fdatasync(4</t/f>) = 0", acknowledgement], 1),
            ([write, "1 fdatasync(5</t/f-wal> <unfinished ...>", acknowledgement], 1),
            (
                [write, "1 fdatasync(5</t/f-wal> <unfinished ...>", "1 <... fdatasync resumed>) = 0", acknowledgement],
                0
            ),
        ]
        for (lines, violations) in cases {
            var audit = SyncAudit(log: "/t/f-wal")
            for line in lines { audit.read(line[...]) }
            #expect(audit.violations.count == violations, "\(lines)")
        }
    }

    @Test func whatIsAcknowledgedSurvivesAKillAtAnyMoment() throws {
        let scratch = try Scratch()
        var random = SplitMix(state: 20)
        var working = 0
        var last: UInt64?
        for round in 0..<40 {
            let size = [700, 9000, 120_000][round % 3]
            let run = try Exerciser(["append", scratch.path, "\(size)", "100000"], in: scratch)
            // Every other round while it starts and recovers, else while it appends.
            if round % 2 == 0 { try run.wait { !$0.isEmpty } }
            Thread.sleep(forTimeInterval: Double(random.next() % 60) / 1000)
            run.kill()
            let acknowledged = try run.acknowledged()
            if !acknowledged.isEmpty { working += 1 }
            last = acknowledged.last ?? last
            let next = try checkWhole(SQLiteFeedStore(path: scratch.path), after: last)
            last = next == 0 ? nil : next - 1
        }
        #expect(working >= 20, "half the rounds at least are killed at work")
    }

    /// Checks what a killed exerciser has left: at most the append in flight beyond the last acknowledged one, both
    /// feeds alike, and every batch as it was made.
    /// - Returns: the number of the next append.
    private func checkWhole(_ store: SQLiteFeedStore, after last: UInt64?) throws -> UInt64 {
        let feeds = try store.feeds()
        guard let count = feeds.first?.count else {
            #expect(last == nil, "append \(last ?? 0) was acknowledged and is lost")
            try store.close()
            return 0
        }
        #expect(feeds.map(\.feed) == ExercisePattern.feeds)
        #expect(feeds.map(\.count) == [count, count])
        #expect(feeds.map(\.first) == [feeds[0].first, feeds[0].first])
        let expected = last.map { $0 + 1 } ?? 0
        #expect((expected...expected + 1).contains(count), "append \(expected) was next, the store has \(count)")
        for feed in feeds {
            let batches = try store.batches(feed.feed, 0..<count)
            #expect(batches.map(\.number) == Array(feed.first..<count))
            for batch in batches {
                #expect(batch == ExercisePattern.batch(feed.feed, batch.number, size: batch.bytes.count))
                #expect(batch.leaf == feed.leaves[Int(batch.number)])
            }
        }
        try store.close()
        return count
    }

    @Test func aSecondProcessIsRefusedUntilTheFirstEnds() throws {
        let scratch = try Scratch()
        let holder = try Exerciser(["hold", scratch.path], in: scratch)
        try holder.wait { $0 == ["held"] }
        let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
        #expect(error?.code == .inUse)
        #expect(error?.reason.contains("process \(holder.identifier)") == true)
        holder.kill()

        // The kernel has released a killed process's lock; the other way round it holds as well.
        let store = try SQLiteFeedStore(path: scratch.path)
        let refused = try Exerciser(["append", scratch.path, "10", "1"], in: scratch)
        #expect(try refused.finish() == 1)
        #expect(try refused.lines().first?.hasPrefix("error inUse") == true)
        #expect(try store.feeds().isEmpty)
    }

    @Test(arguments: [(400, 150_000), (100_000, 3_000_000)])
    func aFileThatMayNotGrowIsFullAndGrowsAgain(size: Int, limit: Int) throws {
        let scratch = try Scratch()
        let run = try Exerciser(["fill", scratch.path, "\(size)", "\(limit)"], in: scratch)
        #expect(try run.finish() == 0)
        let lines = try run.lines()
        let refused = try #require(lines.first { $0.hasPrefix("refused ") })
        #expect(refused.contains("full: "))
        #expect(refused.contains("free space"))
        let acknowledged = try run.acknowledged()
        #expect(acknowledged.count > 5)
        #expect(acknowledged == Array(0..<UInt64(acknowledged.count)))
        let next = try checkWhole(SQLiteFeedStore(path: scratch.path), after: acknowledged.last)
        #expect(next == UInt64(acknowledged.count))
    }
}

/// Reads a trace of system calls and tells whether each acknowledgement came after the log was written and
/// synchronised.
struct SyncAudit {
    private let log: String
    private var isWritten = false
    private var isSynchronised = false
    private(set) var acknowledged = 0
    private(set) var violations: [Substring] = []

    init(log: String) {
        self.log = log
    }

    mutating func read(_ line: Substring) {
        if line.contains("pwrite64("), line.contains("\(log)>") {
            isWritten = true
            isSynchronised = false
        } else if line.contains("sync("), line.contains("\(log)>"), line.hasSuffix("= 0") {
            isSynchronised = true
        } else if line.contains("sync resumed>"), line.hasSuffix("= 0") {
            isSynchronised = true
        } else if line.contains("write(1<"), line.contains("\"ack ") {
            acknowledged += 1
            if !isWritten || !isSynchronised { violations.append(line) }
            isWritten = false
            isSynchronised = false
        }
    }
}
