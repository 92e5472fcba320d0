import FeedStore
import Foundation
import Testing

/// Files of a node in directories where others are at work: links that they have planted lead nowhere.
@Suite struct OwnFileTests {
    private func plant(_ name: String, in scratch: Scratch, leadingTo target: URL) throws {
        try FileManager.default.createSymbolicLink(
            at: scratch.folder.appendingPathComponent(name),
            withDestinationURL: target
        )
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    /// Each is a link to somebody's file, or to one that is not there: neither is changed or made.
    @Test(arguments: ["feeds.db", "feeds.db.lock", "feeds.db-wal", "feeds.db-shm", "feeds.db-journal"], [true, false])
    func noStoreIsOpenedThroughALink(_ name: String, isThere: Bool) throws {
        let scratch = try Scratch()
        let other = try Scratch()
        let target = other.folder.appendingPathComponent("theirs")
        if isThere { try Data("theirs".utf8).write(to: target) }
        try plant(name, in: scratch, leadingTo: target)
        // A link to a store is another name for it: it is that file's own directory that counts then.
        if name == "feeds.db", isThere { return }
        let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
        #expect(error?.code == .cannotOpen && error?.reason.contains("link") == true, "\(error.map(\.reason) ?? "")")
        #expect(FileManager.default.fileExists(atPath: target.path) == isThere)
        if isThere { #expect(try Data(contentsOf: target) == Data("theirs".utf8)) }
    }

    @Test func whatIsNoFileIsNoLock() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.path + ".lock", withIntermediateDirectories: true)
        #expect(storeError { _ = try SQLiteFeedStore(path: scratch.path) }?.code == .cannotOpen)
        try FileManager.default.removeItem(atPath: scratch.path + ".lock")
        #expect(mkfifo(scratch.path + ".lock", 0o600) == 0)
        #expect(storeError { _ = try SQLiteFeedStore(path: scratch.path) }?.code == .cannotOpen)
    }

    @Test func aDirectoryThatEverybodyWritesToHoldsNoStore() throws {
        let scratch = try Scratch()
        for mode in [0o777, 0o1777, 0o733, 0o1702] as [mode_t] {
            #expect(chmod(scratch.folder.path, mode) == 0)
            let error = storeError { _ = try SQLiteFeedStore(path: scratch.path) }
            #expect(error?.code == .cannotOpen && error?.reason.contains("chmod o-w") == true)
            #expect(!FileManager.default.fileExists(atPath: scratch.path + ".lock"))
        }
        // Nor one whose own name anybody may give to another.
        #expect(chmod(scratch.folder.path, 0o777) == 0)
        let inner = scratch.folder.appendingPathComponent("inner").path
        #expect(mkdir(inner, 0o700) == 0)
        let error = storeError { _ = try SQLiteFeedStore(path: inner + "/store") }
        #expect(error?.reason.contains("above the directory") == true, "\(error.map(\.reason) ?? "")")
        #expect(chmod(scratch.folder.path, 0o755) == 0)
        try SQLiteFeedStore(path: inner + "/store").close()
        #expect(try OwnFile.checkFolder(of: inner + "/store", setting: "s") == nil)
        #expect(chmod(inner, 0o770) == 0)
        #expect(try OwnFile.checkFolder(of: inner + "/store", setting: "s")?.contains("chmod g-w") == true)
    }

    @Test func aBrokenStoreIsMovedOverNothing() throws {
        let scratch = try Scratch()
        let other = try Scratch()
        let target = other.folder.appendingPathComponent("theirs")
        try plant("feeds.db.corrupt-1", in: scratch, leadingTo: target)
        try Data("theirs".utf8).write(to: scratch.folder.appendingPathComponent("feeds.db.corrupt-2-wal"))
        try SQLiteFeedStore(path: scratch.path).close()
        #expect(try SQLiteFeedStore.setAside(scratch.path).hasSuffix(".corrupt-3"))
        #expect(!FileManager.default.fileExists(atPath: target.path))
    }

    @Test func aFileIsReplacedNotWrittenThroughALink() throws {
        let scratch = try Scratch()
        let other = try Scratch()
        let target = other.folder.appendingPathComponent("theirs")
        try Data("theirs".utf8).write(to: target)
        let path = scratch.folder.appendingPathComponent("roster").path
        // The draft's name, and the name itself.
        try plant("roster.new", in: scratch, leadingTo: target)
        try OwnFile.replace(path, with: [1, 2, 3], mode: 0o600)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]) && mode(path) == 0o600)
        try FileManager.default.removeItem(atPath: path)
        try plant("roster", in: scratch, leadingTo: target)
        try OwnFile.replace(path, with: [4])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([4]))
        #expect(try Data(contentsOf: target) == Data("theirs".utf8))
        // Its mode stays when it is replaced.
        #expect(chmod(path, 0o640) == 0)
        try OwnFile.replace(path, with: [5])
        #expect(try mode(path) == 0o640)
        #expect(!FileManager.default.fileExists(atPath: path + ".new"))
    }

    @Test func aNewFileTakesNoNameThatIsThere() throws {
        let scratch = try Scratch()
        let path = scratch.folder.appendingPathComponent("key").path
        try plant("key", in: scratch, leadingTo: scratch.folder.appendingPathComponent("elsewhere"))
        #expect(storeError { try OwnFile.create(path, [1], mode: 0o600) }?.code == .inUse)
        #expect(!FileManager.default.fileExists(atPath: scratch.folder.appendingPathComponent("elsewhere").path))
        try FileManager.default.removeItem(atPath: path)
        try OwnFile.create(path, [1], mode: 0o600)
        #expect(try mode(path) == 0o600)
        #expect(storeError { try OwnFile.create(path, [2], mode: 0o600) }?.code == .inUse)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1]))
    }
}
