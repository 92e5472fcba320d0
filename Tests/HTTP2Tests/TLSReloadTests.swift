import Foundation
import HTTP2
import TestSupport
import Testing

@Suite("When certificates are read again")
struct TLSReloadTests {
    private final class Reloading {
        private var reload: TLSReload

        init(adopted: TLSFiles.Stamp) { reload = TLSReload(adopted: adopted) }

        func shouldLoad(_ stamp: TLSFiles.Stamp, isAsked: Bool) -> Bool {
            reload.shouldLoad(stamp, isAsked: isAsked)
        }
        func loaded(_ stamp: TLSFiles.Stamp) { reload.loaded(stamp) }
        func refused(_ stamp: TLSFiles.Stamp, isAsked: Bool) -> Bool { reload.refused(stamp, isAsked: isAsked) }
    }

    /// Two files, and stamps of their states.
    private struct Pair {
        let folder: TemporaryFolder
        let files: TLSFiles

        init() throws {
            folder = try TemporaryFolder()
            files = TLSFiles(certificate: folder.path("c"), key: folder.path("k"))
            try folder.file("c", Data("1".utf8))
            try folder.file("k", Data("1".utf8))
        }

        func change(_ name: String) throws -> TLSFiles.Stamp {
            let before = files.stamp
            var size = 1
            repeat {
                size += 1
                try folder.file(name, Data(repeating: 1, count: size))
            } while files.stamp == before
            return files.stamp
        }
    }

    @Test("Files that stay are not read again")
    func unchanged() throws {
        let pair = try Pair()
        defer { pair.folder.remove() }
        let reload = Reloading(adopted: pair.files.stamp)
        for _ in 0..<3 {
            #expect(!reload.shouldLoad(pair.files.stamp, isAsked: false))
            #expect(!reload.shouldLoad(pair.files.stamp, isAsked: true))
        }
    }

    @Test("A file rewritten with as many bytes, or replaced by another, is a change")
    func stamps() throws {
        let pair = try Pair()
        defer { pair.folder.remove() }
        let first = pair.files.stamp
        let second = try pair.change("k")
        #expect(second != first)
        try FileManager.default.removeItem(atPath: pair.files.key)
        #expect(pair.files.stamp != second)
    }

    @Test("A pair of which one half is written is read at each look until it fits, without an alarm")
    func halfWritten() throws {
        let pair = try Pair()
        defer { pair.folder.remove() }
        let reload = Reloading(adopted: pair.files.stamp)
        let half = try pair.change("c")
        #expect(reload.shouldLoad(half, isAsked: false))
        #expect(!reload.refused(half, isAsked: false))
        let whole = try pair.change("k")
        #expect(reload.shouldLoad(whole, isAsked: false))
        reload.loaded(whole)
        #expect(!reload.shouldLoad(whole, isAsked: false))
    }

    @Test("A bad pair that stays as it is is refused once, and read again when it changes or somebody asks")
    func bad() throws {
        let pair = try Pair()
        defer { pair.folder.remove() }
        let good = pair.files.stamp
        let reload = Reloading(adopted: good)
        let bad = try pair.change("c")
        #expect(reload.shouldLoad(bad, isAsked: false))
        #expect(!reload.refused(bad, isAsked: false))
        #expect(reload.shouldLoad(bad, isAsked: false))
        #expect(reload.refused(bad, isAsked: false))
        #expect(!reload.shouldLoad(bad, isAsked: false))
        #expect(reload.shouldLoad(bad, isAsked: true))
        #expect(reload.refused(bad, isAsked: true))
        #expect(!reload.shouldLoad(bad, isAsked: false))
        let next = try pair.change("c")
        #expect(reload.shouldLoad(next, isAsked: false))
        // Put back as it was.
        #expect(!reload.shouldLoad(good, isAsked: false))
        #expect(reload.shouldLoad(bad, isAsked: false))
    }
}
