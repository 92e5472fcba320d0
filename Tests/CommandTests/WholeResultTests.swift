import FeedFormat
import Foundation
import RegionalNode
import TestSupport
import Testing

/// What a command prints is written whole, or the command fails and says so.
@Suite(.serialized, .timeLimit(.minutes(4))) struct WholeResultTests {
    /// Ways in which standard output takes nothing, as a shell makes them.
    private static let places = [
        "exec \"$@\" > /dev/full", "exec \"$@\" >&-", WholeResultTests.limited,
    ]

    /// Here standard error is a file, too, and takes nothing either.
    private static let limited = "ulimit -f 0; exec \"$@\" > \"$0\""

    private func run(_ place: String, _ arguments: [String], in scratch: Scratch) async throws -> Keytide.Outcome {
        let child = try Child(
            ["/bin/bash", "-c", place, scratch.file("written"), Keytide.executable] + arguments,
            in: scratch
        )
        defer { child.kill() }
        guard let status = try await child.end(within: 30) else { throw TestFailure("\(arguments) did not end") }
        return Keytide.Outcome(status: status, output: child.output, errors: child.errors)
    }

    private func expectFailure(_ arguments: [String], in scratch: Scratch) async throws {
        let good = try await Keytide.run(arguments, in: scratch)
        #expect(good.status == 0 && !good.output.isEmpty, "\(arguments): \(good.errors)")
        for place in Self.places {
            let outcome = try await run(place, arguments, in: scratch)
            #expect(outcome.status == 1, "\(place), \(arguments): \(outcome)")
            let isSaid = outcome.errors.contains("could not be written whole")
            #expect(isSaid || place == Self.limited, "\(place), \(arguments): \(outcome.errors)")
        }
    }

    @Test func commandsOfANode() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 5)
            #expect(try await cluster.import("VN-01", archive.path).outcome.status == 0)
            let feed = try #require(try await cluster.status("VN-01").feeds.first).feed
            let socket = cluster.socket("VN-01")
            let standing = ["roster", "standing", "--socket", socket, "--close", "VN-01"]
            for command in [
                ["status", "--socket", socket], ["status", "--json", "--socket", socket], standing,
                standing + ["--epoch", String(feed.dropFirst("VN-01/".count))],
                ["import", "--socket", socket, "--key", cluster.archives.keyPath, archive.path],
                ["import", "--json", "--socket", socket, "--key", cluster.archives.keyPath, archive.path],
                ["cluster", "wait", socket], ["roster", "install", "--socket", socket, cluster.path("roster")],
                ["store", "check", cluster.path("VN-01.store")],
            ] {
                try await expectFailure(command, in: cluster.scratch)
            }
        }
    }

    @Test func commandsWithoutANode() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let archives = try Archives(in: scratch)
        let archive = try archives.make("a.zip", patients: 5)
        let authorities = try await Authorities(in: scratch)
        try await authorities.makeRegion("VN-01")
        _ = try await authorities.make("v1", authorities.request("VN-01"))
        let roster = scratch.file("v1")
        for command in [
            ["inspect", "--key", archives.keyPath, archive.path],
            ["inspect", "--json", "--key", archives.keyPath, archive.path],
            ["inspect", "--latest-end", "--key", archives.keyPath, archive.path],
            ["roster", "show", roster], ["roster", "show", "--json", roster], ["roster", "provinces"],
            ["roster", "verify", roster, "--authorities", authorities.file], ["--help"], ["help", "roster", "sign"],
            ["--generate-completion-script", "bash"],
        ] {
            try await expectFailure(command, in: scratch)
        }
    }

    @Test func aPipeWhoseReaderHasGone() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let place = "{ sleep 0.5; \"$@\"; echo status $? >&2; } | true"
        let outcome = try await run(place, ["roster", "provinces"], in: scratch)
        #expect(outcome.errors.contains("status 1") && outcome.errors.contains("could not be written whole"))
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func filesOnAFullDisk() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let authorities = try await Authorities(in: scratch)
        try await authorities.makeRegion("VN-01")
        let disk = scratch.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mount = try Child(["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], in: scratch)
        try #require(try await mount.end(within: 10) == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        _ = try await authorities.draft("disk/v1", authorities.request("VN-01"))
        let draft = scratch.text("disk/v1")
        #expect(!draft.isEmpty)
        try scratch.write([], "disk/ballast")
        let ballast = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(disk)/ballast"))
        #expect(throws: (any Error).self) { try ballast.write(contentsOf: Data(repeating: 1, count: 1 << 17)) }
        try ballast.close()

        // Nothing is left that could be taken for a file of its kind, and what was there stays.
        for command in [
            ["roster", "draft", "\(disk)/v2"] + authorities.request("VN-01"),
            ["roster", "key", "\(disk)/key", "--name", "a/b"],
            ["region", "init", "\(disk)/r", "--region", "VN-48", "--operator", "o", "--public", "https://a.example"]
                + ["--peer", "https://a.example"],
            ["sample", "exports", "--directory", "\(disk)/s", "--days", "1", "--patients", "1"],
        ] {
            let outcome = try await authorities.run(command)
            #expect(outcome.status == 1 && outcome.errors.contains("No space left"), "\(command): \(outcome)")
        }
        let name = try await authorities.shortName(of: "disk/v1")
        let signed = try await authorities.run(authorities.signing("disk/v1", by: 1) + ["--yes", name])
        #expect(signed.status == 1 && signed.errors.contains("No space left"), "\(signed)")
        #expect(scratch.text("disk/v1") == draft)
        let left = FileManager.default.enumerator(atPath: disk)?.compactMap { $0 as? String } ?? []
        #expect(Set(left).isSubset(of: ["v1", "ballast", "r", "s"]), "\(left)")
    }

    /// A list of what stands that was cut short, at whatever byte, ends nothing.
    @Test func aListThatIsNotWholeIsRefused() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let authorities = try await Authorities(in: scratch)
        try await authorities.makeRegion("VN-01")
        _ = try await authorities.make("v1", authorities.request("VN-01"))
        try FileManager.default.moveItem(atPath: scratch.file("VN-01"), toPath: scratch.file("old"))
        try await authorities.makeRegion("VN-01")
        let root = Base64.encode(Hash256(hashing: [1]).bytes)
        let whole = "5f8a0b1c01020304:42:\(root)\n5f8a0b1c01020305:7:\(root)\nend 2\n"
        let close = ["--close", "VN-01"] + authorities.request("VN-01")
        let lines = whole.split(separator: "\n", omittingEmptySubsequences: false)
        for cut in ["", "\n", "end", "end 1", String(lines[0]), lines[0...1].joined(separator: "\n") + "\n"] {
            try scratch.write(cut.utf8, "standing")
            let outcome = try await authorities.draft(
                "d",
                after: "v1",
                close + ["--standing", scratch.file("standing")]
            )
            #expect(outcome.status == 1 && outcome.errors.contains("is not whole"), "\(cut): \(outcome.errors)")
        }
        // Nothing at all is refused unless it is said by name, and not together with something.
        try scratch.write("end 0\n".utf8, "standing")
        for nothing in [[], ["--standing", scratch.file("standing")]] {
            let outcome = try await authorities.draft("d", after: "v1", close + nothing)
            #expect(outcome.status == 1 && outcome.errors.contains("--nothing-stands"), "\(outcome.errors)")
        }
        try scratch.write(whole.utf8, "standing")
        let both = close + ["--nothing-stands", "--standing", scratch.file("standing")]
        let contradiction = try await authorities.draft("d", after: "v1", both)
        #expect(contradiction.status == 1 && contradiction.errors.contains("contradicts"), "\(contradiction.errors)")
        #expect(!scratch.exists("d"))
        let named = try await authorities.draft("n", after: "v1", close + ["--nothing-stands"])
        #expect(named.status == 0, "\(named.errors)")
        // As an editor on Windows saves it.
        let edited = "\u{feff}" + whole.replacingOccurrences(of: "\n", with: "\r\n")
        try scratch.write(edited.utf8, "standing")
        let good = try await authorities.draft("d", after: "v1", close + ["--standing", scratch.file("standing")])
        #expect(good.status == 0 && good.output.contains("7 batches"), "\(good.errors)")
    }
}
