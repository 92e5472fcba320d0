import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

/// `keytide region` and `keytide roster`: the life of a roster, as authorities and operators lead it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RosterCommandTests {
    private func with(_ body: (Authorities, Scratch) async throws -> Void) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try await body(try await Authorities(in: scratch), scratch)
    }

    private func roster(_ name: String, _ authorities: Authorities) throws -> Roster {
        let text = try String(contentsOfFile: authorities.file, encoding: .utf8)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: authorities.scratch.file(name))))
        return try SignedRoster(bytes, authorities: try RosterAuthorities(text: text)).roster
    }

    private func key(_ folder: String, _ scratch: Scratch) throws -> NoteVerifier {
        let text = try String(contentsOfFile: scratch.file("\(folder)/region.key"), encoding: .utf8)
        return try #require(NoteSigner(text.trimmingCharacters(in: .whitespacesAndNewlines))).verifier
    }

    @Test func theLifeOfARoster() async throws {
        try await with { authorities, scratch in
            for code in ["VN-01", "VN-10", "VN-48"] { try await authorities.makeRegion(code) }
            let codes = ["VN-01", "VN-10", "VN-48"]
            let first = try await authorities.make(
                "v1",
                ["--list", "2021", "--issued", "2025-01-01"] + codes.flatMap { authorities.request($0) }
            )
            #expect(first.contains("Lào Cai") && first.contains("key added") && first.contains("certificate added"))
            let one = try roster("v1", authorities)
            #expect(one.regions.map(\.id.code) == codes && one.version == 1)
            #expect(try one.regions.map { $0.keys.map(\.verifier) } == codes.map { [try key($0, scratch)] })
            #expect(one.regions.allSatisfy { $0.certificates.count == 1 })
            #expect(try await authorities.verify("v1", "--as-of", "2025-02-01").status == 0)

            // A key is rotated: the old one counts for a week more.
            let rotated = try await authorities.run([
                "region", "rotate", scratch.file("VN-48"), scratch.file("next"),
            ])
            #expect(rotated.status == 0, "\(rotated.errors)")
            let second = try await authorities.make(
                "v2",
                after: "v1",
                ["--issued", "2025-03-01", "--list", "2021"] + authorities.request("next")
            )
            #expect(second.contains("key ends") && second.contains("key added"))
            let two = try roster("v2", authorities)
            let entry = try #require(two.regions.first { $0.id.code == "VN-48" })
            #expect(entry.keys.map(\.verifier) == [try key("VN-48", scratch), try key("next", scratch)])
            #expect(entry.keys.map(\.notAfter) == [two.issued + 7 * 86_400, two.issued + 825 * 86_400])
            #expect(entry.certificates.count == 2)

            // A region is added, and one retired into it.
            try await authorities.makeRegion("VN-15")
            let third = try await authorities.make(
                "v3",
                after: "v2",
                ["--issued", "2025-07-01", "--retire", "VN-10=VN-15"] + authorities.request("VN-15")
            )
            #expect(third.contains("RETIRED") && third.contains("into VN-15") && third.contains("added"))
            let three = try roster("v3", authorities)
            #expect(three.regions.first { $0.id.code == "VN-10" }?.successor?.code == "VN-15")
            #expect(three.regions.first { $0.id.code == "VN-15" }?.vietnameseName == "Lào Cai")
            #expect(try roster("v1", authorities).succession(of: three) == .newer)
            let verified = try await authorities.verify("v3", after: "v1", "--as-of", "2025-07-02")
            #expect(verified.status == 0 && verified.output.contains("test/authority-1, test/authority-3"))

            let shown = try await authorities.run([
                "roster", "show", scratch.file("v3"), "--authorities", authorities.file, "--json",
            ])
            #expect(shown.output.contains("\"signatures\":2") && shown.output.contains("\"successor\":\"VN-15\""))
        }
    }

    @Test func aKeyInWrongHandsIsClosed() async throws {
        try await with { authorities, scratch in
            for code in ["VN-01", "VN-48"] { try await authorities.makeRegion(code) }
            let requests = authorities.request("VN-01") + authorities.request("VN-48")
            _ = try await authorities.make("v1", requests)
            let stolen = try key("VN-01", scratch)
            let root = Hash256(hashing: [1])
            let stands = "5f8a0b1c01020304:42:\(Base64.encode(root.bytes))"
            let close = ["--close", stolen.text, "--stands", stands]
            // Without another key the region could say nothing more.
            let alone = try await authorities.draft("alone", after: "v1", close)
            #expect(alone.status != 0 && alone.errors.contains("needs a key"))
            // Whoever stole the key could sign a rotation; a request that is not tied to it is taken with the closure only.
            try FileManager.default.moveItem(atPath: scratch.file("VN-01"), toPath: scratch.file("old"))
            try await authorities.makeRegion("VN-01")
            let early = try await authorities.draft("early", after: "v1", authorities.request("VN-01"))
            #expect(early.status != 0 && early.errors.contains("not signed by its present key"))
            let drafted = try await authorities.make("v2", after: "v1", close + authorities.request("VN-01"))
            #expect(drafted.contains("KEY CLOSED") && drafted.contains("42 batches"))
            let two = try roster("v2", authorities)
            // A region alone says which key is meant only while it lists no other.
            let rotated = try await authorities.run(["region", "rotate", scratch.file("VN-48"), scratch.file("next")])
            #expect(rotated.status == 0, "\(rotated.errors)")
            _ = try await authorities.make("v3", after: "v2", authorities.request("next"))
            let unclear = try await authorities.draft("unclear", after: "v3", ["--close", "VN-48"])
            let keys = try [key("VN-48", scratch), key("next", scratch)].map(\.text)
            #expect(unclear.status == 1 && keys.allSatisfy { unclear.errors.contains($0) }, "\(unclear.errors)")
            let former = try await authorities.draft("former", after: "v3", ["--close", keys[0], "--standing", "none"])
            #expect(former.status == 1 && former.errors.contains("none"), "\(former.errors)")

            let region = try #require(Region("VN-01"))
            #expect(two.keys(of: region)?.map(\.verifier) == [try key("VN-01", scratch)])
            let standing = try #require(two.closure(of: stolen, in: region)).standing
            #expect(standing == [.init(epoch: Epoch(0x5f8a_0b1c_0102_0304), size: 42, root: root)])
        }
    }

    /// A certificate towards other nodes is renewed alone: the key stays, and the former certificate counts for a week.
    @Test func aCertificateIsRenewedAlone() async throws {
        try await with { authorities, scratch in
            try await authorities.makeRegion("VN-01")
            _ = try await authorities.make("v1", authorities.request("VN-01"))
            let renewed = try await authorities.run([
                "region", "certificate", scratch.file("VN-01"), scratch.file("next"), "--days", "90",
            ])
            #expect(renewed.status == 0, "\(renewed.errors)")
            #expect(!scratch.exists("next/region.key") && scratch.exists("next/peer.key"))
            let drafted = try await authorities.make("v2", after: "v1", authorities.request("next"))
            #expect(drafted.contains("certificate added") && drafted.contains("certificate ends"), "\(drafted)")
            #expect(!drafted.contains("key added") && !drafted.contains("key ends"))
            let (one, two) = (try roster("v1", authorities), try roster("v2", authorities))
            #expect(one.regions[0].keys == two.regions[0].keys)
            let certificates = two.regions[0].certificates
            #expect(certificates.count == 2 && certificates.map(\.notAfter).min() == two.issued + 7 * 86_400)
            // What the operator reads aloud is what the authority sees.
            let hash = try #require(renewed.output.split(separator: "\n").last { $0.contains("certificate:") })
                .split(separator: " ").last
            let shown = try await authorities.run(["roster", "show", scratch.file("v2")])
            #expect(try shown.output.contains(#require(hash)), "\(shown.output)")
            // Once more is nothing new; so is the request of before, whoever sends it again.
            for request in ["next", "VN-01"] {
                let again = try await authorities.draft("v3", after: "v2", authorities.request(request))
                #expect(again.status == 1 && again.errors.contains("nothing is to be done"), "\(again.errors)")
            }
            // The former one ends, the new one stays; then the key is rotated from where it is.
            let third = try await authorities.make("v4", after: "v2", ["--issued", future(days: 30)])
            #expect(third.contains("no region changes"), "\(third)")
            let rotated = try await authorities.run(["region", "rotate", scratch.file("VN-01"), scratch.file("last")])
            #expect(rotated.status == 0, "\(rotated.errors)")
            let fourth = try await authorities.make(
                "v5",
                after: "v4",
                ["--issued", future(days: 31)] + authorities.request("last")
            )
            #expect(fourth.contains("key added") && fourth.contains("certificate added"))
            // A request that is signed by a key that has been replaced counts no more.
            let late = try await authorities.run(["region", "certificate", scratch.file("VN-01"), scratch.file("late")])
            #expect(late.status == 0)
            let refused = try await authorities.draft(
                "v6",
                after: "v5",
                ["--issued", future(days: 60)] + authorities.request("late")
            )
            #expect(refused.status == 1 && refused.errors.contains("not valid now"), "\(refused.errors)")
        }
    }

    /// The day so many days ahead.
    private func future(days: Int) -> String {
        let time = Date().addingTimeInterval(Double(days) * 86_400)
        return String(time.ISO8601Format().prefix(10))
    }

    /// What the authority who signs second looks at.
    @Test func showAndDiffSayWhatChangesWithFingerprintsAndDates() async throws {
        try await with { authorities, scratch in
            for region in ["VN-01", "VN-48"] { try await authorities.makeRegion(region) }
            _ = try await authorities.make("v1", authorities.request("VN-01"))
            let changes = authorities.request("VN-48") + ["--name", "VN-01=Hà Nội mới=New Hanoi"]
            _ = try await authorities.make("v2", after: "v1", changes)
            let diff = try await authorities.run(["roster", "diff", scratch.file("v1"), scratch.file("v2")])
            #expect(diff.status == 0, "\(diff.errors)")
            let made = try roster("v2", authorities)
            for region in made.regions where region.id.code == "VN-48" {
                #expect(diff.output.contains(region.keys[0].verifier.text))
                #expect(diff.output.contains(region.certificates[0].hash.hexadecimal))
            }
            #expect(diff.output.contains("Hà Nội mới") && diff.output.contains("added"))
            #expect(diff.output.contains("fingerprint") && diff.output.contains("expires 20"), "\(diff.output)")
            let shown = try await authorities.run(["roster", "show", scratch.file("v2")])
            for region in made.regions {
                #expect(shown.output.contains(region.keys[0].verifier.text))
                #expect(shown.output.contains(region.certificates[0].hash.hexadecimal))
            }
            // Nothing between a roster and itself; the other way round it does not follow.
            let same = try await authorities.run(["roster", "diff", scratch.file("v2"), scratch.file("v2")])
            #expect(same.status == 0 && same.output.contains("no region changes"))
            let back = try await authorities.run(["roster", "diff", scratch.file("v2"), scratch.file("v1")])
            #expect(back.status == 1 && back.errors.contains("does not follow") && back.output.contains("left out"))
        }
    }

    @Test func whatIsRefused() async throws {
        try await with { authorities, scratch in
            try await authorities.makeRegion("VN-01")
            let request = authorities.request("VN-01")
            _ = try await authorities.make("v1", ["--issued", "2025-01-01", "--days", "30"] + request)

            // Nothing is overwritten.
            let again = try await authorities.draft("v1", request)
            #expect(again.status != 0 && again.errors.contains("exists already"))
            await #expect(throws: TestFailure.self) { try await authorities.makeRegion("VN-01") }

            // Too few signatures, none, twice the same, a stranger's, and a signature of another text.
            let lone = try await authorities.draft("lone", after: "v1", ["--issued", "2025-02-01"])
            #expect(lone.status == 0 && lone.output.contains("no region changes"), "\(lone.errors)")
            #expect(try await authorities.verify("lone").status != 0)
            let signed = try await authorities.sign("lone", by: 2, after: "v1")
            #expect(signed.status == 0 && signed.output.contains("1 of the 2"))
            #expect(try await authorities.verify("lone").errors.contains("missingSignature"))
            #expect(try await authorities.sign("lone", by: 2, after: "v1").errors.contains("signed"))
            #expect(try await authorities.sign("lone", by: 1).errors.contains("--previous"))
            let stranger = try await authorities.run([
                "roster", "key", scratch.file("authority-4"), "--name", "test/authority-4",
            ])
            #expect(stranger.status == 0)
            #expect(try await authorities.sign("lone", by: 4, after: "v1").errors.contains("none of the authorities"))
            let text = try String(contentsOfFile: scratch.file("lone"), encoding: .utf8)
            try Data(text.replacing("Hanoi", with: "Hanol").utf8).write(
                to: URL(fileURLWithPath: scratch.file("altered"))
            )
            #expect(try await authorities.sign("altered", by: 1, after: "v1").errors.contains("does not fit"))

            // Expired, and what does not follow.
            let late = try await authorities.verify("v1", "--as-of", "2025-01-31")
            #expect(late.status != 0 && late.errors.contains("expired"))
            _ = try await authorities.make("a2", after: "v1", ["--issued", "2025-02-01"])
            _ = try await authorities.make("b2", after: "v1", ["--issued", "2025-02-02"])
            let fork = try await authorities.verify("b2", after: "a2", "--as-of", "2025-02-03")
            #expect(fork.status != 0 && fork.errors.contains("forkedRoster"))
            _ = try await authorities.make("b3", after: "b2", ["--issued", "2025-02-03"])
            #expect(try await authorities.sign("b3", by: 2, after: "a2").errors.contains("does not follow"))
            #expect(
                try await authorities.verify("v1", after: "b2", "--as-of", "2025-01-02").errors.contains("not newer")
            )
        }
    }

    @Test func secretsAreForTheirOwner() async throws {
        try await with { authorities, scratch in
            try await authorities.makeRegion("VN-01")
            for (name, mode) in [
                ("authority-1", 0o600), ("VN-01/region.key", 0o600), ("VN-01/peer.key", 0o600),
                ("VN-01/peer.pem", 0o644), ("VN-01/region.request", 0o644),
            ] {
                let attributes = try FileManager.default.attributesOfItem(atPath: scratch.file(name))
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(name)")
            }
            let altered = try String(contentsOfFile: scratch.file("VN-01/region.request"), encoding: .utf8)
                .replacing("vn-01.example:8441", with: "vn-99.example:8441")
            try Data(altered.utf8).write(to: URL(fileURLWithPath: scratch.file("bad.request")))
            let refused = try await authorities.draft("v1", ["--request", scratch.file("bad.request")])
            #expect(refused.status != 0 && refused.errors.contains("wrongSignature"))
        }
    }

    /// A request comes from somebody else; the names in it must not command the terminal of who looks at it.
    @Test func namesDoNotCommandTheTerminal() async throws {
        try await with { authorities, scratch in
            let made = try await authorities.run([
                "region", "init", scratch.file("VN-01"), "--region", "VN-01", "--operator", "A\u{9b}2J\u{202e}B",
                "--public", "https://a.example", "--peer", "https://a.example:8441",
            ])
            #expect(made.status == 0, "\(made.errors)")
            let drafted = try await authorities.draft("v1", authorities.request("VN-01"))
            #expect(drafted.status == 0 && drafted.output.contains(#"A\u009b2J\u202eB"#), "\(drafted.output)")
            let missing = try await authorities.draft("v2", ["--request", scratch.file("\u{9b}2J")])
            #expect(missing.status != 0 && missing.errors.contains(#"\u009b2J"#))
            for text in [drafted.output, missing.errors] {
                #expect(!text.unicodeScalars.contains("\u{9b}") && !text.unicodeScalars.contains("\u{202e}"))
            }
        }
    }

    @Test func provinces() async throws {
        try await with { authorities, _ in
            for (list, count) in [("2021", 63), ("2025", 34)] {
                let printed = try await authorities.run(["roster", "provinces", "--list", list, "--json"])
                #expect(printed.output.split(separator: "\n").count == count)
            }
            let table = try await authorities.run(["roster", "provinces", "--list", "2021"])
            #expect(table.output.contains("Lào Cai") && table.output.contains("VN-15"))
        }
    }
}
