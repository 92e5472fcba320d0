internal import ExposureNotification

/// Reads a log of sightings: CSV, one header line `time,identifier,attenuation`, `time,identifier,rssi` or
/// `time,identifier,metadata,rssi`.
///
/// `time` is RFC 3339 or unix seconds, `identifier` 32 hexadecimal digits, or the 24 of Bluezone, `attenuation` dB,
/// `rssi` dBm, `metadata` the 8 hexadecimal digits of the encrypted metadata broadcast with an identifier of 32. Empty
/// lines are passed over; lines end with LF or CRLF. Messages never repeat what a line holds.
public enum EncounterFile {
    /// Bytes of a file.
    public static let maximumBytes = 64 << 20
    /// Bytes of a line, without its end.
    public static let maximumLine = 160

    /// - Throws: `EncounterFileError` at the first line that is wrong; nothing of the file is then used.
    public static func parse(_ bytes: ArraySlice<UInt8>) throws(EncounterFileError) -> [Encounter] {
        guard bytes.count <= maximumBytes else {
            throw EncounterFileError(
                .tooLarge,
                line: 1,
                "the file has \(bytes.count) bytes, \(maximumBytes) are accepted; split it"
            )
        }
        var rest = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes
        var column: Column?
        var line = 0
        var encounters: [Encounter] = []
        while !rest.isEmpty {
            line += 1
            var content = rest.prefix { $0 != newline }
            rest = rest.dropFirst(content.count + 1)
            if content.last == UInt8(ascii: "\r") { content = content.dropLast() }
            guard content.count <= maximumLine else {
                throw EncounterFileError(
                    .malformed,
                    line: line,
                    "the line has \(content.count) bytes, \(maximumLine) are accepted; is this the right file?"
                )
            }
            if content.allSatisfy({ $0 == space }) { continue }
            let fields = split(content)
            guard let known = column else {
                column = try header(fields, line: line)
                continue
            }
            guard encounters.count < Encounter.maximumHeld else {
                throw EncounterFileError(
                    .tooLarge,
                    line: line,
                    "more than \(Encounter.maximumHeld) sightings; split the file or leave out days before the last 14"
                )
            }
            encounters.append(try encounter(fields, column: known, line: line))
        }
        guard column != nil else {
            throw EncounterFileError(.malformed, line: 1, "the file is empty; begin it with \(headerAdvice)")
        }
        return encounters
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

    private static func header(_ fields: [Substring], line: Int) throws(EncounterFileError) -> Column {
        let names = fields.map { $0.lowercased() }
        guard let column = Column.allCases.first(where: { $0.names == names }) else {
            throw EncounterFileError(
                .malformed,
                line: line,
                "the header is not known; begin the file with \(headerAdvice)"
            )
        }
        return column
    }

    private static func encounter(
        _ fields: [Substring],
        column: Column,
        line: Int
    ) throws(EncounterFileError) -> Encounter {
        guard fields.count == column.names.count else {
            throw EncounterFileError(
                .malformed,
                line: line,
                "\(fields.count) fields; write \(column.names.joined(separator: ", "))"
            )
        }
        guard let time = TimeText.parse(fields[0]) else {
            throw EncounterFileError(
                .malformed,
                line: line,
                "the time is neither RFC 3339 (2021-08-01T06:30:00Z) nor unix seconds; correct it"
            )
        }
        guard let (identifier, schedule) = identifier(fields[1]) else {
            throw EncounterFileError(
                .malformed,
                line: line,
                "the identifier is not 32 hexadecimal digits, or the 24 of Bluezone; correct it"
            )
        }
        if column == .metadata, schedule != .exposureNotification {
            throw EncounterFileError(
                .malformed,
                line: line,
                "Bluezone's identifiers have no metadata; put those sightings into a file of time,identifier,rssi"
            )
        }
        let strength = try strength(fields.dropFirst(2), column: column, line: line)
        return Encounter(time: time, identifier: identifier, schedule: schedule, strength: strength)
    }

    /// - Parameter fields: those after the identifier, as many as the column has.
    private static func strength(
        _ fields: ArraySlice<Substring>,
        column: Column,
        line: Int
    ) throws(EncounterFileError) -> SignalStrength {
        let number = fields.last.flatMap { Int($0) }
        if column == .attenuation {
            guard let number, SignalStrength.attenuations.contains(number) else {
                throw EncounterFileError(.malformed, line: line, "the attenuation is not 0 to 255 dB; correct it")
            }
            return .attenuation(number)
        }
        guard let number, SignalStrength.rssis.contains(number) else {
            throw EncounterFileError(.malformed, line: line, "the rssi is not -127 to 20 dBm; correct it")
        }
        guard column == .metadata else { return .rssi(number) }
        guard let text = fields.first, isHexadecimal(text, digits: 8), let metadata = UInt32(text, radix: 16) else {
            throw EncounterFileError(.malformed, line: line, "the metadata are not 8 hexadecimal digits; correct it")
        }
        return .sealed(rssi: number, metadata: metadata)
    }

    private static func identifier(_ text: Substring) -> (ProximityIdentifier, Encounter.Schedule)? {
        guard let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.dropFirst(16), radix: 16) else {
            return nil
        }
        if isHexadecimal(text, digits: 32) {
            return (ProximityIdentifier(high: high, low: low), .exposureNotification)
        }
        if isHexadecimal(text, digits: 24) { return (ProximityIdentifier(high: high, low: low << 32), .bluezone) }
        return nil
    }

    private static func isHexadecimal(_ text: Substring, digits: Int) -> Bool {
        text.utf8.count == digits && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }

    private static func split(_ line: ArraySlice<UInt8>) -> [Substring] {
        line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { field in
            let start = field.drop { $0 == space }
            let end = start.lastIndex { $0 != space }.map { start[...$0] } ?? []
            return Substring(decoding: end, as: UTF8.self)
        }
    }

    private static let newline = UInt8(ascii: "\n")
    private static let space = UInt8(ascii: " ")
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
