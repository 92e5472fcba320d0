import ClientSync
import ExposureNotification
import Testing

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

    @Test(arguments: [
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
