internal import ExposureNotification

/// Reads a log of sightings: a text table with the header line `time,identifier,attenuation`, `time,identifier,rssi` or
/// `time,identifier,metadata,rssi`, with commas, semicolons or tabs between fields.
///
/// `time` is RFC 3339 or unix seconds, `identifier` 32 hexadecimal digits, or the 24 of Bluezone, `attenuation` dB,
/// `rssi` dBm, `metadata` the 8 hexadecimal digits of the encrypted metadata broadcast with an identifier of 32. Lines
/// that cannot be read are named and the others taken. Messages never repeat what a line holds.
public enum EncounterFile {
    /// Bytes of a file.
    public static let maximumBytes = TextTable.maximumBytes
    /// Bytes of a line, without its end.
    public static let maximumLine = TextTable.maximumLine

    /// What a file holds.
    public struct Contents: Sendable, Equatable {
        /// In the order of the file.
        public let encounters: [Encounter]
        public let refused: RefusedLines

        /// The first line that was refused, if no other was taken.
        public var error: EncounterFileError? { encounters.isEmpty ? refused.named.first : nil }
    }

    /// - Throws: `EncounterFileError` if it is no such file.
    public static func parse(_ bytes: ArraySlice<UInt8>) throws(EncounterFileError) -> Contents {
        var lines = try TextTable(bytes)
        guard let header = lines.next() else {
            throw EncounterFileError(.malformed, line: 1, "the file is empty; begin it with \(headerAdvice)")
        }
        guard let names = header.fields?.map({ $0.lowercased() }),
            let column = Column.allCases.first(where: { $0.names == names })
        else {
            throw EncounterFileError(
                .malformed,
                line: header.number,
                "the header is not known; begin the file with \(headerAdvice)"
            )
        }
        var encounters: [Encounter] = []
        var refused = RefusedLines()
        for line in lines {
            do throws(EncounterFileError) {
                encounters.append(try encounter(line, column: column))
            } catch {
                refused.add(error)
            }
        }
        return Contents(encounters: encounters, refused: refused)
    }

    private enum Column: CaseIterable {
        case attenuation, rssi, metadata

        /// The names in the header.
        var names: [String] {
            switch self {
            case .attenuation: ["time", "identifier", "attenuation"]
            case .rssi: ["time", "identifier", "rssi"]
            case .metadata: ["time", "identifier", "metadata", "rssi"]
            }
        }
    }

    private static func encounter(
        _ line: TextTable.Line,
        column: Column
    ) throws(EncounterFileError) -> Encounter {
        func wrong(_ reason: String) -> EncounterFileError {
            EncounterFileError(.malformed, line: line.number, reason)
        }
        guard let fields = line.fields else {
            throw wrong("the line has more than \(maximumLine) bytes; is this the right file?")
        }
        guard fields.count == column.names.count else {
            let count = fields.count == 1 ? "1 field" : "\(fields.count) fields"
            throw wrong("\(count); write \(column.names.joined(separator: ", "))")
        }
        guard let time = TimeText.parse(fields[0]) else { throw wrong(TimeText.advice(on: fields[0])) }
        guard let (identifier, schedule) = identifier(fields[1]) else {
            throw wrong("the identifier is not 32 hexadecimal digits, or the 24 of Bluezone; correct it")
        }
        if column == .metadata, schedule != .exposureNotification {
            throw wrong(
                "Bluezone's identifiers have no metadata; put those sightings into a file of time,identifier,rssi"
            )
        }
        let strength: SignalStrength
        do throws(Wrong) {
            strength = try self.strength(fields.dropFirst(2), column: column)
        } catch {
            throw wrong(error.reason)
        }
        return Encounter(time: time, identifier: identifier, schedule: schedule, strength: strength)
    }

    private struct Wrong: Error {
        let reason: String
    }

    /// - Parameter fields: those after the identifier, as many as the column has.
    private static func strength(
        _ fields: ArraySlice<Substring>,
        column: Column
    ) throws(Wrong) -> SignalStrength {
        let number = fields.last.flatMap(decibels)
        if column == .attenuation {
            guard let number, SignalStrength.attenuations.contains(number) else {
                throw Wrong(reason: "the attenuation is no number of 0 to 255 dB; correct it")
            }
            return .attenuation(number)
        }
        if number == notAvailable {
            throw Wrong(
                reason: "an rssi of 127 means in Bluetooth that it is not available; without one, leave the line out"
            )
        }
        guard let number, SignalStrength.rssis.contains(number) else {
            throw Wrong(reason: "the rssi is no number of -127 to 20 dBm; correct it")
        }
        guard column == .metadata else { return .rssi(number) }
        guard let text = fields.first, isHexadecimal(text, digits: 8), let metadata = UInt32(text, radix: 16) else {
            throw Wrong(reason: "the metadata are not 8 hexadecimal digits; correct it")
        }
        return .sealed(rssi: number, metadata: metadata)
    }

    /// Bluetooth Core, HCI: an RSSI that could not be read.
    private static let notAvailable = 127

    /// A whole number, or one with decimals, which is rounded to the nearest whole one, halves up. A minus may be the
    /// sign of the keyboard or the one of print, the decimal mark a point or, where it separates no fields, a comma; the
    /// unit may follow.
    /// - Returns: nil for anything else, and beyond four digits.
    private static func decibels(_ text: Substring) -> Int? {
        var rest = text.lowercased()[...]
        for unit in ["dbm", "db"] where rest.hasSuffix(unit) {
            rest = rest.dropLast(unit.count)
            while rest.last == " " { rest = rest.dropLast() }
            break
        }
        let isNegative = rest.first == "-" || rest.first == "\u{2212}"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        let parts = rest.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "," }
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }),
            parts[0].utf8.count <= 4, let whole = Int(parts[0])
        else { return nil }
        let decimals = parts.count == 2 ? parts[1] : "0"
        let isHalf = decimals.first == "5" && decimals.dropFirst().allSatisfy { $0 == "0" }
        let isMore = (decimals.first.map { $0 >= "5" } ?? false) && !isHalf
        return isNegative ? -(whole + (isMore ? 1 : 0)) : whole + (isMore || isHalf ? 1 : 0)
    }

    /// - Parameter text: digits, with colons or hyphens between pairs as addresses and UUIDs have them, or `0x` before.
    private static func identifier(_ text: Substring) -> (ProximityIdentifier, Encounter.Schedule)? {
        var digits = text
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") { digits = digits.dropFirst(2) }
        if digits.contains(where: { $0 == ":" || $0 == "-" }) {
            let parts = digits.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
            guard parts.allSatisfy({ !$0.isEmpty && $0.count.isMultiple(of: 2) }) else { return nil }
            digits = parts.joined()[...]
        }
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.dropFirst(16), radix: 16) else {
            return nil
        }
        if isHexadecimal(digits, digits: 32) {
            return (ProximityIdentifier(high: high, low: low), .exposureNotification)
        }
        if isHexadecimal(digits, digits: 24) { return (ProximityIdentifier(high: high, low: low << 32), .bluezone) }
        return nil
    }

    private static func isHexadecimal(_ text: Substring, digits: Int) -> Bool {
        text.utf8.count == digits && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static let headerAdvice =
        "the line " + Column.allCases.map { $0.names.joined(separator: ",") }.joined(separator: " or ")
}

/// Why a log of sightings was not read. Two errors are equal if their codes and lines are.
public struct EncounterFileError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// More bytes or sightings than accepted.
        public static let tooLarge = Code("tooLarge")
        /// A line that is not of the form.
        public static let malformed = Code("malformed")
    }

    public let code: Code
    /// From 1.
    public let line: Int
    /// What is wrong and what to do; holds nothing of the file's content.
    public let reason: String

    init(_ code: Code, line: Int, _ reason: String) {
        self.code = code
        self.line = line
        self.reason = reason
    }

    public static func == (left: EncounterFileError, right: EncounterFileError) -> Bool {
        left.code == right.code && left.line == right.line
    }
}

extension EncounterFileError: CustomStringConvertible {
    public var description: String { "line \(line): \(reason)" }
}
