import ExposureKeys
import FeedFormat
import Foundation
import TestSupport
import Testing

/// How long `keytide roster draft` keeps a key listed: batches that it signed live for 15 days, and count no longer than
/// the key is listed.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RosterKeyTests {
    private let region = "VN-01"

    private func with(_ body: (Authorities, Scratch) async throws -> Void) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let authorities = try await Authorities(in: scratch)
        try await authorities.makeRegion(region)
        try await body(authorities, scratch)
    }

    private func rotate(_ folder: String, to next: String, _ authorities: Authorities) async throws {
        let scratch = authorities.scratch
        let done = try await authorities.run(["region", "rotate", scratch.file(folder), scratch.file(next)])
        guard done.status == 0 else { throw TestFailure(done.errors) }
    }

    /// When each key listed for the region ends, in days after the first of January 2040, when the certificates made today have ended.
    private func ends(_ name: String, _ authorities: Authorities) throws -> [Int64] {
        let text = try String(contentsOfFile: authorities.file, encoding: .utf8)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: authorities.scratch.file(name))))
        let roster = try SignedRoster(bytes, authorities: try RosterAuthorities(text: text)).roster
        let entry = try #require(roster.regions.first { $0.id.code == region })
        return entry.keys.map { ($0.notAfter - 2_208_988_800) / 86_400 }
    }

    @Test func aReplacedKeyIsListedAsLongAsItsBatchesLive() async throws {
        try await with { authorities, _ in
            _ = try await authorities.make("v1", ["--issued", "2040-01-01"] + authorities.request(region))
            try await rotate(region, to: "second", authorities)
            _ = try await authorities.make(
                "v2",
                after: "v1",
                ["--issued", "2040-01-01"] + authorities.request("second")
            )
            #expect(try ends("v2", authorities) == [7, 825])
            // On day 8 the first key has ended, but batches that it signed on day 6 live until day 21.
            try await rotate("second", to: "third", authorities)
            _ = try await authorities.make(
                "v3",
                after: "v2",
                ["--issued", "2040-01-09"] + authorities.request("third")
            )
            #expect(try ends("v3", authorities) == [7, 15, 833])
            // On day 23 the last of them are gone; those of the second key are not.
            try await rotate("third", to: "fourth", authorities)
            _ = try await authorities.make(
                "v4",
                after: "v3",
                ["--issued", "2040-01-24"] + authorities.request("fourth")
            )
            #expect(try ends("v4", authorities) == [15, 30, 848])
        }
    }

    @Test func aKeyThatEndedBeforeItsRotationStaysListed() async throws {
        try await with { authorities, _ in
            _ = try await authorities.make(
                "v1",
                ["--issued", "2040-01-01", "--key-days", "30"] + authorities.request(region)
            )
            try await rotate(region, to: "next", authorities)
            _ = try await authorities.make("v2", after: "v1", ["--issued", "2040-02-01"] + authorities.request("next"))
            #expect(try ends("v2", authorities) == [30, 31 + 825])
        }
    }

    @Test func aNinthKeyIsRefusedUntilThereIsRoom() async throws {
        try await with { authorities, scratch in
            var version = "v1"
            _ = try await authorities.make(version, ["--issued", "2040-01-01"] + authorities.request(region))
            var folder = region
            for number in 2...8 {
                let next = "key-\(number)"
                try await rotate(folder, to: next, authorities)
                _ = try await authorities.make(
                    "v\(number)",
                    after: version,
                    ["--issued", "2040-01-01"] + authorities.request(next)
                )
                (version, folder) = ("v\(number)", next)
            }
            #expect(try ends(version, authorities).count == 8)
            try await rotate(folder, to: "last", authorities)
            let early = try await authorities.draft(
                "early",
                after: version,
                ["--issued", "2040-01-23"] + authorities.request("last")
            )
            #expect(early.status != 0 && early.errors.contains("rotate after 2040-01-24"), "\(early.errors)")
            _ = try await authorities.make(
                "v9",
                after: version,
                ["--issued", "2040-01-24"] + authorities.request("last")
            )
            #expect(try ends("v9", authorities) == [30, 23 + 825])
        }
    }
}
