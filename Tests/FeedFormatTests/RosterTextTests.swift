import FeedFormat
import Testing

struct RosterTextTests {
    /// Reads a roster of any text, properly signed.
    private func read(_ text: String) throws -> Roster {
        let signers = [try Samples.authority(1), try Samples.authority(2)]
        let bytes = SignedNote.bytes(text: text, signatures: try signers.map { try $0.sign(text, time: 0) })
        return try Roster(bytes[...], authorities: signers.map(\.verifier), threshold: 2, now: 1_605_000_000)
    }

    private func lines() throws -> [String] {
        try RosterTests.roster().text.split(separator: "\n").map { String($0) }
    }

    private func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    @Test func form() throws {
        let key = try Samples.signer("VN-01").verifier.text
        #expect(
            try lines().prefix(11) == [
                "keytide/roster", "version 1", "previous -", "issued 1600000000", "expires 1610000000", "region VN-01",
                "vi Tỉnh số 1", "en Province 1", "operator Department of Health", "key 1600000000 1700000000 \(key)",
                "public http://127.0.0.1:801",
            ]
        )
        #expect(try lines().last == "successor VN-01")
        #expect(try read(text(try lines())).regions.count == 2)
    }

    @Test func everyLineMustBeThereOnceInItsPlace() throws {
        let lines = try lines()
        for position in lines.indices {
            var without = lines
            without.remove(at: position)
            var twice = lines
            twice.insert(lines[position], at: position)
            var blank = lines
            blank.insert("", at: position)
            // A second key, or no successor, is a roster too; all else is not.
            let mayMiss =
                lines[position].hasPrefix("successor") || (lines[position].hasPrefix("key -5"))
                || lines[position].hasPrefix("key") && lines[position].contains("VN-02")
            if mayMiss {
                #expect(try read(text(without)).regions.count == 2)
            } else {
                #expect(throws: FormatError.with(position == 0 ? .unknownFormat : .malformedNote)) {
                    try read(text(without))
                }
            }
            if !lines[position].hasPrefix("key ") {
                #expect(throws: FormatError.with(.malformedNote)) { try read(text(twice)) }
            }
            #expect(throws: FormatError.with(.notCanonical)) { try read(text(blank)) }
        }
        for position in lines.indices.dropLast() where !(lines[position] + lines[position + 1]).contains("key ") {
            var swapped = lines
            swapped.swapAt(position, position + 1)
            #expect(throws: FormatError.self) { try read(text(swapped)) }
        }
    }

    @Test(
        arguments: [
            (0, "keytide/Roster", FormatError.Code.unknownFormat), (0, "keytide/roster ", .unknownFormat),
            (1, "version 0", .malformedNote), (1, "version 2", .malformedNote), (1, "version -1", .malformedNote),
            (1, "version 01", .malformedNote), (1, "version  1", .malformedNote), (1, "version", .malformedNote),
            (1, "version 9223372036854775808", .malformedNote), (1, "Version 1", .malformedNote),
            (2, "previous", .malformedNote), (2, "previous ", .malformedNote), (2, "previous AAAA", .malformedNote),
            (2, "previous A5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=", .malformedNote),
            (3, "issued 1610000000", .malformedNote), (3, "issued -1", .malformedNote), (3, "issued x", .malformedNote),
            (4, "expires 1600000000", .malformedNote), (4, "expires +1610000000", .malformedNote),
            (4, "expires 1604999999", .expired), (5, "region vn-01", .malformedNote), (5, "region ", .malformedNote),
            (5, "region VN-02", .malformedNote), (5, "region VN-03", .malformedNote), (6, "vi ", .malformedNote),
            (6, "vi", .malformedNote), (7, "eng Province 1", .malformedNote), (8, "operator ", .malformedNote),
            (9, "key 1600000000 1700000000", .malformedNote), (9, "key 1 1 KEY", .malformedNote),
            (9, "key 2 1 KEY", .malformedNote), (9, "key x 1 KEY", .malformedNote), (9, "key 1  2 KEY", .malformedNote),
            (9, "key 1 2 KEYA", .malformedNote), (9, "key 1 2 ", .malformedNote), (9, "key +1 2 KEY", .notCanonical),
            (9, "key 01 2 KEY", .notCanonical), (9, "key -0 2 KEY", .notCanonical), (10, "public ", .malformedNote),
            (11, "peer ", .malformedNote), (20, "successor vn", .malformedNote), (20, "successor ", .malformedNote),
        ]
    )
    func malformedLines(_ position: Int, _ line: String, _ code: FormatError.Code) throws {
        var lines = try lines()
        lines[position] = line.replacing("KEY", with: try Samples.signer("VN-01").verifier.text)
        #expect(throws: FormatError.with(code)) { try read(text(lines)) }
    }

    @Test func longTexts() throws {
        for (position, name) in [(6, "vi"), (7, "en"), (8, "operator"), (10, "public"), (11, "peer")] {
            var lines = try lines()
            lines[position] = name + " " + String(repeating: "x", count: 200)
            #expect(try read(text(lines)).regions.count == 2)
            lines[position] += "x"
            #expect(throws: FormatError.with(.malformedNote)) { try read(text(lines)) }
        }
    }

    @Test func tooManyKeysOrRegions() throws {
        var lines = try lines()
        lines.insert(contentsOf: [String](repeating: lines[9], count: 7), at: 9)
        #expect(try read(text(lines)).regions.first?.keys.count == 8)
        lines.insert(lines[9], at: 9)
        #expect(throws: FormatError.with(.malformedNote)) { try read(text(lines)) }

        let region = try self.lines()[5..<12]
        let head = try self.lines()[..<5]
        let many = (1000..<1000 + FormatLimits.regionsPerRoster + 1).map { number in
            ["region VN-\(number)"] + region.dropFirst()
        }
        #expect(
            try read(text(head + many.dropLast().flatMap { $0 })).regions.count == FormatLimits.regionsPerRoster
        )
        #expect(throws: FormatError.with(.malformedNote)) { try read(text(head + many.flatMap { $0 })) }
    }
}
