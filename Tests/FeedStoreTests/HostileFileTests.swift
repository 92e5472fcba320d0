import FeedFormat
import FeedStore
import Foundation
import Testing

/// Files that somebody has prepared: the node that opens one and the check that looks into it find the same, in a bounded
/// time.
@Suite(.timeLimit(.minutes(3))) struct HostileFileTests {
    private static let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"

    /// What is done to a good file, each by itself; each makes it one that no node has written.
    static let changes = [
        // Other things in the place of tables, or beside them.
        "DROP TABLE setting; CREATE VIEW setting AS \(endless) 'a' AS name, x'00' AS value FROM n",
        "ALTER TABLE gap RENAME TO old; DROP TABLE old; CREATE VIEW gap AS \(endless) 1 AS feed, i AS number FROM n",
        "DROP TABLE leaf; CREATE VIEW leaf AS \(endless) 1 AS feed, i AS number, zeroblob(32) AS hash FROM n",
        "CREATE VIEW other AS \(endless) i FROM n",
        "CREATE TRIGGER t AFTER INSERT ON leaf BEGIN DELETE FROM batch; END",
        "CREATE INDEX costly ON batch (hex(bytes))", "CREATE INDEX plain ON batch (publication)",
        "CREATE TABLE other (a)", "DROP TABLE setting", "ALTER TABLE leaf ADD COLUMN more INTEGER",
        "DROP TABLE gap; CREATE TABLE gap (feed INTEGER, number INTEGER AS (feed + 1))",
        "ALTER TABLE feed RENAME COLUMN floor TO ceiling",
        // Rows of feeds that cannot be read.
        "UPDATE feed SET epoch = 'x' WHERE id = 2", "UPDATE feed SET epoch = '' WHERE id = 2",
        "UPDATE feed SET region = 'nowhere at all' WHERE id = 2", "UPDATE feed SET base = x'' WHERE id = 2",
        "UPDATE feed SET base = zeroblob(4096) WHERE id = 2", "UPDATE feed SET size = -1 WHERE id = 2",
        "UPDATE feed SET size = 9223372036854775807 WHERE id = 2", "UPDATE feed SET size = 131072 WHERE id = 2",
        "UPDATE feed SET first = size + 1 WHERE id = 2", "UPDATE feed SET first = -9223372036854775808 WHERE id = 2",
        "UPDATE feed SET last_publication = -1 WHERE id = 2",
        "UPDATE feed SET last_publication = 4294967296 WHERE id = 2",
        "INSERT INTO feed SELECT 9, 'VN-99', epoch, base, 5, 0, 0, 0 FROM feed WHERE id = 2",
        // Leaves, batches and gaps that do not fit their feed.
        "UPDATE leaf SET hash = zeroblob(31) WHERE feed = 2 AND number = 1",
        "UPDATE leaf SET hash = zeroblob(5000000) WHERE feed = 2 AND number = 1",
        "DELETE FROM leaf WHERE feed = 2 AND number = 1", "DELETE FROM batch WHERE feed = 2 AND number = 1",
        "INSERT INTO leaf VALUES (2, 3, zeroblob(32))", "INSERT INTO leaf VALUES (77, 0, zeroblob(32))",
        "INSERT INTO batch VALUES (77, 0, 1, x'00', x'00')", "INSERT INTO gap VALUES (2, 1)",
        "INSERT INTO gap VALUES (77, 1)", "UPDATE leaf SET number = -1 WHERE feed = 2 AND number = 0",
        "UPDATE batch SET bytes = zeroblob(8388609) WHERE feed = 2 AND number = 1",
        "UPDATE batch SET bytes = zeroblob(90000000) WHERE feed = 2 AND number = 1",
        "UPDATE batch SET checkpoint = zeroblob(1025) WHERE feed = 2 AND number = 1",
        // More than a node can hold.
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)
        INSERT INTO feed SELECT 100 + i, 'VN-01', printf('%016x', 1000 + i), base, 131072, 0, 0, 0 FROM n, feed WHERE id = 2
        """,
    ]

    private func filled(_ scratch: Scratch) throws {
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append((0..<10).map { batch(try feed("VN-01"), $0, size: 9000) })
        try store.append((0..<3).map { batch(try feed("VN-02"), $0, publication: 5000) })
        try store.close()
    }

    /// What the check says of a file: nil if it is whole.
    private func finding(_ scratch: Scratch) -> String? {
        do {
            let inspection = try StoreInspection(path: scratch.path)
            defer { inspection.close() }
            // Reading goes on in spite of what was found, and must not take what the file would have it take.
            let findings = inspection.findings()
            for place in inspection.feeds().prefix(100) {
                guard let feed = inspection.feed(place) else { continue }
                for number in feed.numbers.prefix(20) { _ = inspection.batch(number, of: feed) }
            }
            return findings.first
        } catch {
            return error.reason
        }
    }

    @Test func aGoodFileIsWhole() throws {
        let scratch = try Scratch()
        try filled(scratch)
        #expect(finding(scratch) == nil)
        let store = try SQLiteFeedStore(path: scratch.path)
        try store.append([batch(try feed("VN-02"), 4)], base: nil, skipped: [batch(try feed("VN-02"), 3).leaf])
        try store.close()
        #expect(finding(scratch) == nil, "a gap is no damage")
        // What an operator's shell may leave without asking.
        try scratch.tamper("ANALYZE")
        #expect(finding(scratch) == nil)
        try SQLiteFeedStore(path: scratch.path).close()
    }

    @Test(arguments: changes) func nodeAndCheckFindTheSame(_ sql: String) throws {
        let scratch = try Scratch()
        try filled(scratch)
        try scratch.tamper(sql)
        let began = ContinuousClock.now
        let found = finding(scratch)
        #expect(found != nil, "the check calls it whole")
        #expect(ContinuousClock.now - began < .seconds(30))
        let opened = storeError { try SQLiteFeedStore(path: scratch.path).close() }
        #expect(opened?.code == .corrupt, "\(opened.map(\.reason) ?? "the node opens it")")
        #expect(ContinuousClock.now - began < .seconds(60))
    }
}
