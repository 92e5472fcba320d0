import Foundation
import Testing
import TestSupport

/// `keytide device encounters`, and what the key file means to all device commands.
@Suite(.timeLimit(.minutes(2))) final class DeviceEncountersCommandTests {
    private let scratch: Scratch
    private let identifiers = [
        "00112233445566778899aabbccddee01", "00112233445566778899aabbccddee02", "aabbccddeeff0011deadbeef",
    ]

    init() throws {
        scratch = try Scratch()
        // 06:30, 06:40 and 23:50 in Vietnam, the day after; then a sighting of Bluezone's.
        try scratch.write(
            """
            time,identifier,metadata,rssi
            2021-08-01T06:30:00+07:00,\(identifiers[0]),00c0ffee,-60
            2021-08-01T06:40:00+07:00,\(identifiers[1]),00c0ffef,-61
            2021-08-02T23:50:00+07:00,\(identifiers[0]),00c0ffee,-62
            """.utf8,
            "sealed.csv"
        )
        try scratch.write(
            "time,identifier,rssi\n2021-08-02T23:59:59+07:00,\(identifiers[2]),-70\n".utf8,
            "bluezone.csv"
        )
    }

    deinit { scratch.remove() }

    private func run(_ arguments: String..., store: String = "phone") async throws -> Keytide.Outcome {
        let words = ["device"] + arguments.prefix { !$0.hasPrefix("-") && !$0.contains("/") }
        let rest = arguments.dropFirst(words.count - 1)
        return try await Keytide.run(words + ["--store", scratch.file(store)] + rest, in: scratch)
    }

    private func importBoth() async throws {
        let outcome = try await run("encounters", "import", scratch.file("sealed.csv"), scratch.file("bluezone.csv"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "sightings: 4 read, 4 new, 0 too old to keep\n")
    }

    private func object(_ outcome: Keytide.Outcome) throws -> [String: Any] {
        #expect(outcome.status == 0, "\(outcome.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(object as? [String: Any])
    }

    @Test func aPersonSeesWhatIsHeldDayByDay() async throws {
        #expect(try await run("encounters", "list").status == 1)
        try await importBoth()
        let again = try object(try await run("encounters", "import", scratch.file("sealed.csv"), "--json"))
        #expect(again["read"] as? Int == 3 && again["new"] as? Int == 0)
        let list = try await run("encounters", "list")
        let lines = list.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            lines == [
                "day sightings first last", "---------- --------- ----- -----", "2021-08-01 2 06:30 06:40",
                "2021-08-02 2 23:50 23:59", "4 sightings; times are Vietnam's",
            ]
        )
        let json = try object(try await run("encounters", "list", "--json"))
        #expect(json["damaged"] as? Int == 0 && json["encounters"] == nil)
        let days = try #require(json["days"] as? [[String: Any]])
        #expect(days.map { $0["sightings"] as? Int } == [2, 2])
        #expect(days.map { $0["first"] as? Int } == [1_627_774_200, 1_627_923_000])
        let full = try await run("encounters", "list", "--full")
        #expect(full.output.contains("2021-08-01 06:40  \(identifiers[1])"))
        #expect(full.output.contains("00c0ffef") && full.output.contains(identifiers[2]))
        let all = try #require(
            try object(try await run("encounters", "list", "--full", "--json"))["encounters"] as? [[String: Any]]
        )
        #expect(all.map { $0["identifier"] as? String } == [0, 1, 0, 2].map { identifiers[$0] })
        #expect(all.map { $0["metadata"] as? String } == ["00c0ffee", "00c0ffef", "00c0ffee", nil])
        #expect(all.map { $0["rssi"] as? Int } == [-60, -61, -62, -70])
    }

    @Test func erasingAsksAndTakesEverythingWithIt() async throws {
        try await importBoth()
        // Nothing was synced: there is a report, but nothing can be said by it.
        #expect(try await run("match", "--as-of", "2021-08-03T00:00:00Z").status == 3)
        #expect(try await run("report").status == 3)
        let key = scratch.text("phone.encounter-key")
        // Standard input is no terminal here.
        let unasked = try await run("encounters", "erase")
        #expect(unasked.status == 1 && unasked.errors.contains("--yes"))
        #expect(try await run("encounters", "list").output.contains("4 sightings"))
        let erased = try object(try await run("encounters", "erase", "--yes", "--json"))
        #expect(erased["erased"] as? Int == 4 && erased["keyRemoved"] as? Bool == true)
        #expect(!scratch.exists("phone.encounter-key"))
        #expect(try await run("report").status == 1)
        #expect(try await run("encounters", "list").output == "no sightings\n")
        // The log goes on under another key.
        try await importBoth()
        #expect(scratch.text("phone.encounter-key") != key && scratch.text("phone.encounter-key").count == 65)
    }

    @Test func theKeyIsItsOwnersAloneAndNeededByAll() async throws {
        try await importBoth()
        let path = scratch.file("phone.encounter-key")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        let away = scratch.file("away")
        try FileManager.default.moveItem(atPath: path, toPath: away)
        for command in [
            ["encounters", "list"], ["match"], ["report"], ["encounters", "import", scratch.file("sealed.csv")],
        ] {
            let store = ["--store", scratch.file("phone")]
            let outcome = try await Keytide.run(["device"] + command + store, in: scratch)
            #expect(outcome.status == 1 && outcome.errors.contains("device encounters erase"), "\(command)")
        }
        #expect(!scratch.exists("phone.encounter-key"))
        #expect(try await run("encounters", "list", "--encounter-key", away).output.contains("4 sightings"))
        // A key of another store, no key at all, and a folder.
        try scratch.write((String(repeating: "0a", count: 32) + "\n").utf8, "other")
        try scratch.write(String(repeating: "0x", count: 32).utf8, "none")
        for (name, expected) in [
            ("other", "is not the key"), ("none", "64 hexadecimal digits"), ("", "cannot be read"),
        ] {
            let outcome = try await run("encounters", "list", "--encounter-key", scratch.file(name))
            #expect(outcome.status == 1 && outcome.errors.contains(expected), "\(outcome.errors)")
        }
        // Erasing needs no key, and leaves alone what is not this store's.
        let erased = try await run("encounters", "erase", "--yes", "--encounter-key", scratch.file("other"))
        #expect(erased.status == 0 && erased.output == "4 sightings erased, and the report\n")
        #expect(scratch.exists("other") && scratch.text("other").hasPrefix("0a0a"))
        try await importBoth()
    }

    /// One line that cannot be read costs no other: it is counted and named, with what is right.
    @Test func oneBadLineCostsNoOther() async throws {
        try scratch.write(
            """
            time;identifier;rssi
            2021-08-01T06:30:00+0700;\(identifiers[0]);-60,5
            "2021-08-01 06:35:00+07:00";"\(identifiers[0])";127
            2021-08-01T06:40:00;\(identifiers[1]);-61
            1627774800;\(identifiers[1]);-61
            """.utf8,
            "mixed.csv"
        )
        let outcome = try await run("encounters", "import", scratch.file("mixed.csv"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.output
                == "sightings: 2 read, 2 new, 0 too old to keep\n2 lines could not be read and are left out\n"
        )
        #expect(
            outcome.errors.contains("mixed.csv, line 3: an rssi of 127 means in Bluetooth that it is not available")
        )
        #expect(outcome.errors.contains("mixed.csv, line 4: the time has no offset from UTC"))
        let again = try object(try await run("encounters", "import", scratch.file("mixed.csv"), "--json"))
        #expect(again["read"] as? Int == 2 && again["new"] as? Int == 0 && again["refused"] as? Int == 2)
        try scratch.write("time,identifier,rssi\n1,\(identifiers[0]),127\n".utf8, "none.csv")
        let none = try await run("encounters", "import", scratch.file("none.csv"))
        #expect(none.status == 1 && none.errors.contains("none.csv, line 2: an rssi of 127"))
    }

    /// Times of scans come by a file of their own, and are forgotten with the sightings.
    @Test func timesOfScansAreTakenIn() async throws {
        try scratch.write("time\n2021-08-01T06:30:00+07:00\n1627774800\nsoon\n".utf8, "scans.txt")
        let taken = try await run("encounters", "import", "--scans", scratch.file("scans.txt"))
        #expect(taken.status == 0 && taken.output.hasPrefix("times of scans: 2 read, 2 new\n1 line could not be read"))
        #expect(taken.errors.contains("scans.txt, line 4: the time is neither RFC 3339"))
        try await importBoth()
        let match = try await run(
            "match",
            "--scans",
            scratch.file("scans.txt"),
            "--as-of",
            "2021-08-03T00:00:00Z",
            "--json"
        )
        let result = try #require(try JSONSerialization.jsonObject(with: Data(match.output.utf8)) as? [String: Any])
        #expect(result["scansRead"] as? Int == 2 && result["scansNew"] as? Int == 0 && match.status == 3)
        #expect(try object(try await run("encounters", "list", "--json"))["scans"] as? Int == 2)
        let nothing = try await run("encounters", "import")
        #expect(nothing.status == 64 && nothing.errors.contains("--scans"))
        #expect(try await run("encounters", "erase", "--yes").status == 0)
        #expect(try object(try await run("encounters", "list", "--json"))["scans"] as? Int == 0)
    }

    /// A sighting dated 9999 is set aside, told, and in nobody's way.
    @Test func theFutureIsSetAside() async throws {
        let lines = ["2021-08-01T06:30:00Z", "9999-12-30T00:00:00Z", "2021-08-05T00:00:00Z"].map {
            "\($0),\(identifiers[0]),-60\n"
        }
        try scratch.write("time,identifier,rssi\n\(lines.joined())".utf8, "future.csv")
        let outcome = try await run("encounters", "import", scratch.file("future.csv"))
        #expect(outcome.output == "sightings: 3 read, 3 new, 0 too old to keep\n")
        for (asOf, waiting) in [("2021-08-02T00:00:00Z", 2), ("2021-08-05T00:00:00Z", 1)] {
            let match = try await run("match", "--as-of", asOf, "--json")
            let result = try #require(try JSONSerialization.jsonObject(with: Data(match.output.utf8)) as? [String: Any])
            #expect(result["waiting"] as? Int == waiting)
            #expect((result["report"] as? [String: Any])?["encounters"] as? Int == 3 - waiting)
            #expect(match.errors.contains("set aside"))
        }
        let list = try await run("encounters", "list", "--as-of", "2021-08-02T00:00:00Z")
        #expect(list.output.contains("3 sightings;"))
        #expect(list.errors.contains("2 sightings are set aside: their times lie in the future"))
    }

    /// Also where nobody matches, sightings do not stay longer than they serve.
    @Test func aSyncForgetsWhatNothingCanMatch() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            _ = try await cluster.import("VN-01", try cluster.archives.make("a.zip", patients: 3).path)
            let ages: [Int64] = [1, 15, 16, 30]
            let lines = ages.map { "\(Archives.time - $0 * 86_400),\(identifiers[0]),-60\n" }.joined()
            try scratch.write("time,identifier,rssi\n\(lines)".utf8, "days.csv")
            let taken = try await run("encounters", "import", scratch.file("days.csv"), "--as-of", Archives.timeText)
            #expect(taken.output == "sightings: 4 read, 4 new, 0 too old to keep\n")
            let node = ["--node", "https://127.0.0.1:\(cluster.basePort)", "--ca", cluster.path("tls.pem")]
            let roster = ["--authorities", cluster.path("authorities"), "--as-of", Archives.timeText]
            let store = ["--store", scratch.file("phone")]
            let synced = try await Keytide.run(
                ["device", "sync", "--witnesses", "0"] + store + node + roster,
                in: scratch
            )
            #expect(synced.status == 0, "\(synced.errors)")
            let listing = try object(try await run("encounters", "list", "--json"))
            let days = try #require(listing["days"] as? [[String: Any]])
            #expect(days.map { $0["first"] as? Int64 } == [15, 1].map { Archives.time - $0 * 86_400 })
            let again = try await run("encounters", "import", scratch.file("days.csv"), "--as-of", Archives.timeText)
            #expect(again.output == "sightings: 4 read, 0 new, 2 too old to keep\n")
        }
    }

    /// Only `list --full` names identifiers; nothing names the key.
    @Test func nothingElseTellsIdentifiersOrTheKey() async throws {
        var outcomes = [
            try await run("encounters", "import", scratch.file("sealed.csv")),
            try await run("match", "--encounters", scratch.file("bluezone.csv"), "--as-of", "2021-08-03T00:00:00Z"),
            try await run("match", "--json"), try await run("report"), try await run("encounters", "list"),
            try await run("encounters", "list", "--json"),
        ]
        try scratch.write("time,identifier,metadata,rssi\n1,\(identifiers[0])0,00c0ffee,-60\n".utf8, "bad.csv")
        outcomes.append(try await run("encounters", "import", scratch.file("bad.csv")))
        #expect(outcomes.map(\.status) == [0, 3, 3, 3, 0, 0, 1])
        let full = try await run("encounters", "list", "--full")
        #expect(identifiers.allSatisfy { full.output.contains($0) })
        let key = scratch.text("phone.encounter-key").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(key.count == 64)
        outcomes.append(try await run("encounters", "erase"))
        let said = outcomes.map { $0.output + $0.errors }.joined() + full.errors
        for secret in identifiers + ["c0ffee", "12648430", key, String(key.prefix(16))] {
            #expect(!said.contains(secret))
        }
        #expect(!full.output.contains(key.prefix(16)))
    }
}
