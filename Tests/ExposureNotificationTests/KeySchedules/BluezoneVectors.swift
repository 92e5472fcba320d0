import ExposureKeys
import ExposureNotification
import Foundation
import Testing

/// The published vectors of Bluezone 3's key schedule, in the directory that `KEYTIDE_VECTORS` names.
struct BluezoneVectors: Decodable {
    struct Case: Decodable {
        let baseID: String
        let days: [Day]

        private enum CodingKeys: String, CodingKey {
            case baseID = "base_id"
            case days
        }
    }

    struct Day: Decodable {
        let day: Int
        let dailyKey: String
        /// By number of the quarter of an hour, in decimal.
        let identifiers: [String: String]

        private enum CodingKeys: String, CodingKey {
            case day
            case dailyKey = "daily_key"
            case identifiers = "blid"
        }
    }

    let cases: [Case]

    static let folder = ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"]

    static func read() throws -> BluezoneVectors {
        let file = URL(fileURLWithPath: "\(folder ?? ".")/bluezone-key-schedule.json")
        return try JSONDecoder().decode(BluezoneVectors.self, from: Data(contentsOf: file))
    }
}

/// Daily keys and day keys for tests.
enum BluezoneSample {
    /// 00:00 UTC of a day.
    static let midnight = Interval(144 * 18_600)

    static func dailyKey(_ hexadecimal: String) throws -> BluezoneDailyKey {
        try #require(BluezoneDailyKey(baseID: try bytes(hexadecimal)))
    }

    /// Daily keys of so many days, from that of a base id on.
    static func dailyKeys(_ count: Int, from first: BluezoneDailyKey) -> [BluezoneDailyKey] {
        var keys = [first]
        while keys.count < count { keys.append(keys[keys.count - 1].next) }
        return keys
    }

    static func published(_ subKey: BluezoneSubKey, midnight: Interval = midnight) throws -> BluezoneDayKey {
        let day = KeyMetadata(rollingStart: midnight, rollingPeriod: 144, reportType: .confirmed)
        let metadata = try #require(day)
        return try #require(BluezoneDayKey(firstSubKey: subKey, metadata: metadata))
    }

    static func bytes(_ hexadecimal: String) throws -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        try #require(digits.count.isMultiple(of: 2))
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            try #require(UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16))
        }
    }

    static func identifier(_ hexadecimal: String) throws -> BluezoneIdentifier {
        try #require(BluezoneIdentifier(bytes: try bytes(hexadecimal)))
    }
}
