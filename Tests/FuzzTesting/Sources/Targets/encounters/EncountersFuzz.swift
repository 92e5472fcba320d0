import ClientSync
import ExposureNotification

#if FUZZING
    import Support
#endif

/// A log of sightings, as it is and below each header.
enum EncountersFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let headers = ["", "time,identifier,attenuation\n", "time,identifier,rssi\n"]
        return headers.allSatisfy { isSound(Array($0.utf8) + bytes) }
    }

    private static func isSound(_ file: [UInt8]) -> Bool {
        let lines = 1 + file.count { $0 == UInt8(ascii: "\n") }
        do {
            let encounters = try EncounterFile.parse(file[...])
            // The same in a slice that does not begin at 0.
            guard encounters.count < lines, (try? EncounterFile.parse(([0] + file)[1...])) == encounters,
                encounters.allSatisfy(isInRange)
            else { return false }
            return comesBack(encounters.filter(isAttenuation), column: "attenuation")
                && comesBack(encounters.filter { !isAttenuation($0) }, column: "rssi")
        } catch {
            return (1...lines).contains(error.line) && !error.reason.isEmpty
        }
    }

    private static func isAttenuation(_ encounter: Encounter) -> Bool {
        if case .attenuation = encounter.strength { true } else { false }
    }

    /// The last second of the year 9999 is the latest.
    private static func isInRange(_ encounter: Encounter) -> Bool {
        guard (0...253_402_300_799).contains(encounter.time) else { return false }
        switch encounter.strength {
        case .attenuation(let number): return SignalStrength.attenuations.contains(number)
        case .rssi(let number): return SignalStrength.rssis.contains(number)
        }
    }

    /// What was read can be written, in two forms, and read again.
    private static func comesBack(_ encounters: [Encounter], column: String) -> Bool {
        var plain = "time,identifier,\(column)\n"
        var other = "\u{feff}Time , Identifier , \(column.uppercased())\r\n\r\n"
        for encounter in encounters {
            let digits = encounter.identifier.bytes.map { hexadecimal[Int($0)] }.joined()
            let number: Int
            switch encounter.strength {
            case .attenuation(let value): number = value
            case .rssi(let value): number = value
            }
            plain += "\(encounter.time),\(digits),\(number)\n"
            other += "\(TimeText.utc(encounter.time)), \(digits.uppercased()), \(number)\r\n"
        }
        return [plain, other].allSatisfy { (try? EncounterFile.parse(Array($0.utf8)[...])) == encounters }
    }

    private static let hexadecimal = (0..<256).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(EncountersFuzz.holds) }
    }
#endif
