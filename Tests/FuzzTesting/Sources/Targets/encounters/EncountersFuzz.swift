import ClientSync
import ExposureNotification

#if FUZZING
    import Support
#endif

/// A log of sightings, as it is and below each header.
enum EncountersFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let headers = [
            "", "time,identifier,attenuation\n", "time,identifier,rssi\n", "time,identifier,metadata,rssi\n",
        ]
        return headers.allSatisfy { isSound(Array($0.utf8) + bytes) }
    }

    private static func isSound(_ file: [UInt8]) -> Bool {
        let lines = 1 + file.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        do {
            let contents = try EncounterFile.parse(file[...])
            let encounters = contents.encounters
            // The same in a slice that does not begin at 0.
            guard encounters.count + contents.refused.count < lines,
                (try? EncounterFile.parse(([0] + file)[1...])) == contents, encounters.allSatisfy(isInRange),
                contents.refused.named.allSatisfy({ (1...lines).contains($0.line) && !$0.reason.isEmpty })
            else { return false }
            return ["attenuation", "rssi", "metadata,rssi"].allSatisfy { columns in
                comesBack(encounters.filter { self.columns($0) == columns }, columns: columns)
            }
        } catch {
            return (1...lines).contains(error.line) && !error.reason.isEmpty
        }
    }

    private static func columns(_ encounter: Encounter) -> String {
        switch encounter.strength {
        case .attenuation: "attenuation"
        case .rssi: "rssi"
        case .sealed: "metadata,rssi"
        }
    }

    /// The last second of the year 9999 is the latest.
    private static func isInRange(_ encounter: Encounter) -> Bool {
        guard (0...253_402_300_799).contains(encounter.time) else { return false }
        guard encounter.schedule == .exposureNotification || encounter.identifier.low << 32 == 0 else { return false }
        switch encounter.strength {
        case .attenuation(let number): return SignalStrength.attenuations.contains(number)
        case .rssi(let number): return SignalStrength.rssis.contains(number)
        case .sealed(let number, _):
            return SignalStrength.rssis.contains(number) && encounter.schedule == .exposureNotification
        }
    }

    /// What was read can be written, in two forms, and read again.
    private static func comesBack(_ encounters: [Encounter], columns: String) -> Bool {
        var plain = "time,identifier,\(columns)\n"
        var other = "\u{feff}Time , Identifier , \(columns.uppercased())\r\n\r\n"
        for encounter in encounters {
            let digits = encounter.broadcastIdentifier.map { hexadecimal[Int($0)] }.joined()
            let strength: String
            switch encounter.strength {
            case .attenuation(let value): strength = "\(value)"
            case .rssi(let value): strength = "\(value)"
            case .sealed(let value, let metadata):
                let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: metadata >> UInt32($0)) }
                strength = bytes.map { hexadecimal[Int($0)] }.joined() + ",\(value)"
            }
            plain += "\(encounter.time),\(digits),\(strength)\n"
            other += "\(TimeText.utc(encounter.time)), \(digits.uppercased()), \(strength.uppercased())\r\n"
        }
        return [plain, other].allSatisfy {
            let contents = try? EncounterFile.parse(Array($0.utf8)[...])
            return contents?.encounters == encounters && contents?.refused.count == 0
        }
    }

    private static let hexadecimal = (0..<256).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(EncountersFuzz.holds) }
    }
#endif
