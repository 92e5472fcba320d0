import ClientSync
import ExposureNotification
import Testing
import TestSupport

@Suite struct EncounterFileTests {
    private static let digits = "00112233445566778899aabbccddeeff"

    private func parse(_ text: String) throws -> [Encounter] {
        let contents = try EncounterFile.parse(Array(text.utf8)[...])
        if let first = contents.refused.named.first { throw first }
        return contents.encounters
    }

    @Test func bothFormsAreRead() throws {
        let identifier = ProximityIdentifier(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
        let text = "time,identifier,attenuation\n1627776000,\(EncounterFileTests.digits),48\n"
        #expect(try parse(text) == [Encounter(time: 1_627_776_000, identifier: identifier, strength: .attenuation(48))])
        let other = """
            \u{feff}Time, Identifier, RSSI\r
            \r
            2021-08-01T07:00:00+07:00 , \(EncounterFileTests.digits.uppercased()) , -71
            """
        #expect(try parse(other) == [Encounter(time: 1_627_776_000, identifier: identifier, strength: .rssi(-71))])
        #expect(try parse("time,identifier,rssi") == [])
    }

    @Test func sealedMetadataAndBluezoneAreRead() throws {
        let text = """
            time,identifier,metadata,rssi
            1,\(EncounterFileTests.digits),00A0fb12,-71
            2 , \(EncounterFileTests.digits) , ffffffff , 20
            """
        let identifier = ProximityIdentifier(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
        #expect(
            try parse(text) == [
                Encounter(time: 1, identifier: identifier, strength: .sealed(rssi: -71, metadata: 0x00a0_fb12)),
                Encounter(time: 2, identifier: identifier, strength: .sealed(rssi: 20, metadata: .max)),
            ]
        )
        let short = EncounterFileTests.digits.prefix(24)
        let twelve = ProximityIdentifier(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_0000_0000)
        for (column, number, strength) in [
            ("rssi", -71, SignalStrength.rssi(-71)), ("attenuation", 48, .attenuation(48)),
        ] {
            #expect(
                try parse("time,identifier,\(column)\n1,\(short),\(number)\n2,\(short)00000000,\(number)") == [
                    Encounter(time: 1, identifier: twelve, schedule: .bluezone, strength: strength),
                    Encounter(time: 2, identifier: twelve, schedule: .exposureNotification, strength: strength),
                ]
            )
        }
    }

    /// What is written is read back, whatever the sightings are; each altered byte gives other sightings or an error
    /// that repeats nothing.
    @Test func logsOfSealedSightingsAreReadBackAndAlteredOnesDoNoHarm() throws {
        var random = SplitMix64(seed: 72)
        for round in 0..<20 {
            var text = "time,identifier,metadata,rssi\n"
            var expected: [Encounter] = []
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let time = Int64.random(in: 0...4_000_000_000, using: &random)
                let identifier = ProximityIdentifier(high: random.next(), low: random.next())
                let metadata = UInt32.random(in: .min ... .max, using: &random)
                let rssi = Int.random(in: SignalStrength.rssis, using: &random)
                let strength = SignalStrength.sealed(rssi: rssi, metadata: metadata)
                expected.append(Encounter(time: time, identifier: identifier, strength: strength))
                let bytes = (0..<4).map { UInt8(truncatingIfNeeded: metadata >> UInt32(24 - 8 * $0)) }
                text += "\(time),\(hexadecimal(identifier.bytes)),\(hexadecimal(bytes)),\(rssi)\n"
            }
            #expect(try parse(text) == expected, "round \(round)")
            var altered = Array(text.utf8)
            for position in altered.indices {
                let former = altered[position]
                altered[position] = UInt8.random(in: .min ... .max, using: &random)
                do throws(EncounterFileError) {
                    let read = try EncounterFile.parse(altered[...])
                    #expect(read.encounters.count + read.refused.count <= expected.count + 1)
                    #expect(read.encounters.count >= expected.count - 2)
                    for error in read.refused.named {
                        let isNamed = expected.contains {
                            error.description.contains(hexadecimal($0.identifier.bytes))
                        }
                        #expect(!isNamed && error.line <= expected.count + 2)
                    }
                } catch {
                    let isRepeated = expected.contains { error.description.contains(hexadecimal($0.identifier.bytes)) }
                    #expect(!isRepeated && error.line <= expected.count + 2)
                }
                altered[position] = former
            }
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: [
        ("time,identifier,rssi,metadata\n", 1), ("time,identifier,metadata\n", 1),
        ("time,identifier,metadata,rssi\n1,\(digits),-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),0011223,-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),001122334,-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),+0112233,-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),0112233g,-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),,-70", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),00112233,-128", 2),
        ("time,identifier,metadata,rssi\n1,\(digits),00112233,21", 2),
        ("time,identifier,metadata,rssi\n1,\(digits.prefix(24)),00112233,-70", 2),
        ("time,identifier,rssi\n1,\(digits.prefix(23)),-70", 2),
        ("time,identifier,rssi\n1,\(digits.prefix(25)),-70", 2),
        ("time,identifier,rssi\n1,\(digits.prefix(16))+1223344,-70", 2),
        ("time,identifier,rssi\n1,,-70", 2),
        ("", 1), ("\n\n", 1), ("identifier,time,rssi\n", 1), ("time identifier rssi", 1), ("\u{feff}", 1),
        ("time,identifier,rssi\n1,\(digits),127", 2), ("time,identifier,rssi\n1,\(digits),-61,5", 2),
        ("time,identifier,rssi\n1,\(digits),-61.", 2),
        ("time,identifier,rssi\n1,\(digits),--61", 2), ("time,identifier,rssi\n1,\(digits),6 1", 2),
        ("time,identifier,rssi\n2021-08-01T00:00:00,\(digits),-61", 2),
        ("time,identifier,rssi\n1;\(digits);-61", 2), ("time,identifier,rssi\n1,00:11,-61", 2),
        ("time,identifier,rssi\n\n1,2", 3),
        ("time,identifier,rssi\nyesterday,\(digits),-70", 2),
        ("time,identifier,rssi\n1,\(digits)0,-70", 2),
        ("time,identifier,rssi\n1,+0112233445566778899aabbccddeeff,-70", 2),
        ("time,identifier,rssi\n1,\(digits),loud", 2),
        ("time,identifier,rssi\n1,\(digits),-128", 2),
        ("time,identifier,attenuation\n1,\(digits),256", 2),
        ("time,identifier,attenuation\n1,\(digits),20\n1,\(digits),20,1\n", 3),
        ("time,identifier,rssi\n" + String(repeating: "x", count: 161), 2),
    ])
    func aWrongLineIsNamedAndNotRepeated(text: String, line: Int) throws {
        let error = try #require(throws: EncounterFileError.self) { try parse(text) }
        #expect(error.line == line)
        #expect(error.code == .malformed)
        #expect(!error.description.contains("0112233"))
        #expect(error.description.hasPrefix("line \(line): "))
    }

    /// What is good is taken, and what is not is counted and named, up to a number.
    @Test func oneBadLineCostsNoOther() throws {
        let good = "1,\(EncounterFileTests.digits),-60\n"
        let bad = "1,\(EncounterFileTests.digits),127\n"
        func parse(_ lines: String) throws -> EncounterFile.Contents {
            try EncounterFile.parse(Array(("time,identifier,rssi\n" + lines).utf8)[...])
        }
        let one = try parse(good + bad + good)
        #expect(one.encounters.count == 2 && one.refused.count == 1 && one.error == nil)
        #expect(one.refused.named.map(\.line) == [3])
        #expect(one.refused.named.first?.reason.contains("127 means in Bluetooth that it is not available") == true)
        let many = try parse(String(repeating: bad, count: 30) + good)
        #expect(many.encounters.count == 1 && many.refused.count == 30)
        #expect(many.refused.named.map(\.line) == Array(2...11))
        let none = try parse(bad + bad)
        #expect(none.encounters.isEmpty && none.error?.line == 2)
        let long = try parse(good + String(repeating: "x", count: 161) + "\n" + good)
        #expect(long.encounters.count == 2 && long.refused.named.map(\.line) == [3])
    }

    /// As other programs write tables.
    @Test(arguments: [
        "time;identifier;rssi\n1627776000;DIGITS;-61,5\n", "time\tidentifier\trssi\n1627776000\tDIGITS\t-61.5\n",
        "\"time\",\"identifier\",\"rssi\"\r\n\"1627776000\",\"DIGITS\",\"-61\"\r\n",
        "time,identifier,rssi\r1627776000,DIGITS,-61\r", "time;identifier;rssi\n1627776000;DIGITS;\"-61,5\"",
        "time,identifier,rssi\n2021-08-01T07:00:00+0700,DIGITS,-61.5",
        "TIME, Identifier ,RSSI\n1627776000123,DIGITS,-61", "time,identifier,rssi\n1627776000,DIGITS,\"-61,5\"",
        "time,identifier,rssi\n2021-08-01 07:00:00 +07:00,DIGITS,\u{2212}61 dBm\n\n",
        "time,identifier,rssi\n1627776000.75,0xDIGITS,-61.0dBm",
        "\u{feff}time,identifier,rssi\n1627776000,COLONS,-60.6",
        "time,identifier,rssi\n1627776000,UUID,-61", "\n \ntime,identifier,rssi\n\t\n1627776000,DIGITS,-61",
    ])
    func otherFormsAreRead(text: String) throws {
        let digits = EncounterFileTests.digits
        let pairs = stride(from: 0, to: 32, by: 2).map { digits.dropFirst($0).prefix(2) }.joined(separator: ":")
        let uuid = "00112233-4455-6677-8899-aabbccddeeff"
        let written = [("DIGITS", digits), ("COLONS", pairs), ("UUID", uuid)].reduce(text) {
            $0.replacing($1.0, with: $1.1)
        }
        let identifier = ProximityIdentifier(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
        #expect(try parse(written) == [Encounter(time: 1_627_776_000, identifier: identifier, strength: .rssi(-61))])
    }

    @Test(arguments: [
        ("48.4", 48), ("48.5", 49), ("48.50", 49), ("48.51", 49), ("+48", 48), ("0.4", 0), ("-0.5", 0), ("-0.4", 0),
        ("255.4", 255), ("48 dB", 48), ("48dB", 48), ("0048", 48),
    ])
    func decimalsAreRounded(text: String, value: Int) throws {
        let read = try parse("time,identifier,attenuation\n1,\(EncounterFileTests.digits),\(text)")
        #expect(read.map(\.strength) == [.attenuation(value)])
    }

    @Test func anotherEncodingIsNamed() throws {
        let text = "time,identifier,rssi\n"
        let bytes: [UInt8] = [0xff, 0xfe] + text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let error = try #require(throws: EncounterFileError.self) { try EncounterFile.parse(bytes[...]) }
        #expect(error.reason.contains("UTF-8"))
    }

    @Test func timesOfScansAreRead() throws {
        func parse(_ text: String) throws -> (times: [Int64], refused: RefusedLines) {
            try ScanTimeFile.parse(Array(text.utf8)[...])
        }
        let read = try parse("Time\r\n1627776000\n\n2021-08-01T07:05:00+07:00\nnever\n1,2\n1627776000\n")
        #expect(read.times == [1_627_776_000, 1_627_776_300, 1_627_776_000])
        #expect(read.refused.count == 2 && read.refused.named.map(\.line) == [5, 6])
        for text in ["", "1627776000\n", "time,identifier,rssi\n"] {
            #expect(throws: EncounterFileError.self) { try parse(text) }
        }
        let many = "time\n" + String(repeating: "1\n", count: ScanTimes.maximumHeld + 1)
        let error = try #require(throws: EncounterFileError.self) { try parse(many) }
        #expect(error.code == .tooLarge && error.line == ScanTimes.maximumHeld + 2)
    }

    @Test func sizesAreBounded() throws {
        let line = Array("1,\(EncounterFileTests.digits),1\n".utf8)
        var bytes = Array("time,identifier,attenuation\n".utf8)
        bytes.reserveCapacity(line.count * (Encounter.maximumHeld + 2))
        // What there is no room for the log decides.
        for _ in 0..<Encounter.maximumHeld + 1 { bytes += line }
        #expect(try EncounterFile.parse(bytes[...]).encounters.count == Encounter.maximumHeld + 1)
        let huge = [UInt8](repeating: 10, count: EncounterFile.maximumBytes + 1)
        #expect(throws: EncounterFileError.self) { try EncounterFile.parse(huge[...]) }
    }
}
