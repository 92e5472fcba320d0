import ClientSync
import ExposureNotification
import Testing
import TestSupport

@Suite struct EncounterFileTests {
    private static let digits = "00112233445566778899aabbccddeeff"

    private func parse(_ text: String) throws -> [Encounter] {
        try EncounterFile.parse(Array(text.utf8)[...])
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
                    #expect(read.count <= expected.count + 1)
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
        ("", 1), ("\n\n", 1), ("identifier,time,rssi\n", 1), ("time;identifier;rssi", 1),
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

    @Test func sizesAreBounded() throws {
        let line = Array("1,\(EncounterFileTests.digits),1\n".utf8)
        var bytes = Array("time,identifier,attenuation\n".utf8)
        bytes.reserveCapacity(line.count * (Encounter.maximumHeld + 2))
        for _ in 0..<Encounter.maximumHeld { bytes += line }
        #expect(try EncounterFile.parse(bytes[...]).count == Encounter.maximumHeld)
        bytes += line
        let error = try #require(throws: EncounterFileError.self) { try EncounterFile.parse(bytes[...]) }
        #expect(error.code == .tooLarge && error.line == Encounter.maximumHeld + 2)
        let huge = [UInt8](repeating: 10, count: EncounterFile.maximumBytes + 1)
        #expect(throws: EncounterFileError.self) { try EncounterFile.parse(huge[...]) }
    }
}
