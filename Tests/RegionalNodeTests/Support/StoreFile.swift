import Foundation
import GRDB
import Testing

/// The file of a node's store, to be damaged.
struct StoreFile {
    let path: String

    private var url: URL { URL(fileURLWithPath: path) }

    /// Changes a byte in the middle of a batch, given the range that holds it.
    func damage(_ range: [UInt8]) throws {
        // Somewhere the bytes lie in one piece: they may cross from one page to another.
        let content = try Data(contentsOf: url)
        let start = stride(from: 40, to: range.count - 400, by: 16).first { start in
            content.range(of: Data(range[start..<start + 48])) != nil
        }
        let found = try #require(start, "the batch is not in the file")
        try flip(Array(range[found..<found + 48]), at: 24)
    }

    /// Changes one bit of a stretch of bytes that occurs in the file.
    func flip(_ stretch: [UInt8], at offset: Int) throws {
        let content = try Data(contentsOf: url)
        let place = try #require(content.range(of: Data(stretch)), "these bytes are not in the file")
        try write([stretch[offset] ^ 4], at: place.lowerBound + offset)
    }

    /// Writes rubbish over a part of the file.
    func overwrite(_ range: Range<Int>) throws {
        try write([UInt8](repeating: 0xa5, count: range.count), at: range.lowerBound)
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        let file = try FileHandle(forUpdating: url)
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: bytes)
        try file.close()
    }

    /// Moves all that is in the log into the file.
    func emptyLog() throws {
        try execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Commits something as another process, so that whoever has the file open reads it anew.
    func voidCaches() throws {
        try execute("INSERT INTO setting VALUES ('test', x'00') ON CONFLICT DO UPDATE SET value = x'01'")
    }

    func execute(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }
}
