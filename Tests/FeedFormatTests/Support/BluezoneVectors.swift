import ExposureKeys
import FeedFormat
import Testing
import TestSupport

/// Vectors of the section of Bluezone day keys.
extension VectorWriter {
    mutating func writeBluezone() throws {
        var generator = SplitMix64(seed: 31)
        var dayKeys = try Samples.dayKeys(40, using: &generator)
        for last: UInt64 in [0, .max] {
            dayKeys.append(try Samples.dayKey(BluezoneSubKey(.max, 0, .max, last)))
            dayKeys.append(try Samples.dayKey(BluezoneSubKey(0, 0, 0, last), daysBefore: 14))
        }
        let keys = try Samples.keys(5, groups: 2, using: &generator)
        let both = try Batch(number: 5, publication: Samples.publication, keys: keys, bluezone: dayKeys)
        try add("batch/bluezone.bin", "44 Bluezone day keys and five diagnosis keys", both.bytes)
        let one = [Samples.section(3, RawKeys.bluezone.bytes)]
        try add("batch/bluezone-one.bin", "one Bluezone day key", Samples.batch(sections: one))

        let cases: [(String, String, FormatError.Code, (inout RawKeys) -> Void)] = [
            ("no-groups", "a section without groups", .lyingLength, { $0.groupCount = 0 }),
            ("groups-lie", "60 groups in the bytes of one", .lyingLength, { $0.groupCount = 60 }),
            ("keys-lie", "two keys in the bytes of one", .lyingLength, { $0.counts = [1] }),
            ("keys", "131073 keys", .limitExceeded, { $0.counts = [131_072] }),
            ("period", "rolling period 143", .outOfRange, { $0.rollingPeriod.first = 143 }),
            ("midnight", "midnight in Vietnam", .outOfRange, { $0.rollingStart.first -= 42 }),
            ("late", "a day that is not over", .keyOutsideWindow, { $0.rollingStart.first += 144 }),
            ("early", "a day 15 days before", .keyOutsideWindow, { $0.rollingStart.first -= 15 * 144 }),
            ("order", "keys that fall", .notAscending, { $0 = .twoBluezone([7, 8, 9, 7, 8, 8], [5, 0]) }),
            ("twice", "a key twice", .notAscending, { $0 = .twoBluezone([7, 8, 9, 7, 8, 9], [5, 0]) }),
            ("overflow", "a high half of 65 bits", .outOfRange, { $0 = .twoBluezone([7, 8, 9, 7, 8, 9], [.max, 1]) }),
            ("padding", "padding of the high halves set", .notCanonical, { $0.highPadding = 1 }),
            ("trailing", "a byte after the keys", .trailingBytes, { $0.trailing = [0] }),
        ]
        for (name, about, code, change) in cases {
            var raw = RawKeys.bluezone
            change(&raw)
            let bytes = Samples.batch(sections: [Samples.section(3, raw.bytes)])
            try add("batch/bad-bluezone-\(name).bin", "Bluezone: \(about)", bytes, error: code)
        }
        let other = Samples.batch(sections: [Samples.section(3, RawKeys.bluezone.bytes, encoding: 2)])
        try add("batch/bad-bluezone-encoding.bin", "Bluezone: day keys under encoding 2", other, error: .unknownFormat)
    }
}
