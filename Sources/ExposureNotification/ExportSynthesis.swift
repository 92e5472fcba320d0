public import ExposureKeys

/// Makes diagnosis keys that look like those of a real export, for demonstrations and benches.
///
/// The numbers are shares found in the European export of 2020-12-23 (57,972 keys): how many days back the keys of a
/// patient reach, how long the key of the last day was in use, and which transmission risk a key of which day has. In
/// those files report type and days since onset are but another coding of the risk (every key has type
/// recursive, self-report, clinical or confirmed for risk 1-2, 3-4, 5-6 or 7-8, and onset 1 or 2 for odd or even), and
/// so they are here; but as publishers differ, a share of the patients has no onset.
public struct ExportSynthesis: Sendable {
    /// How many people's keys. One gives eight keys on average, 1 to 15.
    public var patients: Int
    /// No key ends later than this; for an export of a whole day, the midnight at its end.
    public var end: Interval
    /// The share of patients whose keys carry an onset, 0...1.
    public var onsetShare: Double

    public init(patients: Int, end: Interval, onsetShare: Double = 0.8) {
        self.patients = patients
        self.end = end
        self.onsetShare = onsetShare
    }

    /// The keys, sorted by their bytes. The same generator gives the same keys.
    public func keys(using random: inout some RandomNumberGenerator) -> [DiagnosisKey] {
        var keys: [DiagnosisKey] = []
        for _ in 0..<max(0, patients) {
            let hasOnset = Double.random(in: 0..<1, using: &random) < onsetShare
            for age in days(using: &random) {
                if let key = key(age: age, hasOnset: hasOnset, using: &random) { keys.append(key) }
            }
        }
        return keys.sorted { $0.data < $1.data }
    }

    /// The days of a patient's keys, as days before the last one.
    private func days(using random: inout some RandomNumberGenerator) -> ClosedRange<Int> {
        let newest = Int.random(in: 0..<1000, using: &random) < Share.keyOfLastDay ? 0 : 1
        let draw = Int.random(in: 0..<1000, using: &random)
        let oldest = 1 + Share.reachesBack.prefix { draw < $0 }.count
        return newest...oldest
    }

    private func key(age: Int, hasOnset: Bool, using random: inout some RandomNumberGenerator) -> DiagnosisKey? {
        // The last day is the one that holds the last interval before `end`.
        let lastStart = Int64(end.number == 0 ? 0 : end.number - 1) / Interval.perDay * Interval.perDay
        let start = lastStart - Int64(age) * Interval.perDay
        var period = Interval.perDay
        if age == 0 || age == 1 && Int.random(in: 0..<1000, using: &random) < Share.shortOnEve {
            // Most people hand in their keys in working hours: 2.5 to 24 hours after midnight, 13 on average.
            period = Int64.random(in: 10...70, using: &random) + Int64.random(in: 5...73, using: &random)
        }
        period = min(period, Int64(end.number) - start)
        let data = KeyData(high: random.next(), low: random.next())
        let risk = ExportSynthesis.risk(age: age, using: &random)
        guard start >= 0, period > 0 else { return nil }
        let metadata = KeyMetadata(
            rollingStart: Interval(UInt32(clamping: start)),
            rollingPeriod: Int(period),
            reportType: Share.reportTypes[(risk - 1) / 2],
            transmissionRisk: risk,
            daysSinceOnset: hasOnset ? 2 - risk % 2 : nil
        )
        return metadata.map { DiagnosisKey(data: data, metadata: $0) }
    }

    private static func risk(age: Int, using random: inout some RandomNumberGenerator) -> Int {
        let counts = Share.risks[min(age, Share.risks.count - 1)]
        var draw = Int.random(in: 0..<counts.reduce(0, +), using: &random)
        for (position, count) in counts.enumerated() {
            if draw < count { return position + 1 }
            draw -= count
        }
        return counts.count
    }

    private enum Share {
        /// Patients, in a thousand, with a key of the last day.
        static let keyOfLastDay = 684
        /// Patients, in a thousand, whose keys reach back at least 2, 3, … 14 days.
        static let reachesBack = [756, 696, 663, 602, 541, 500, 472, 453, 441, 434, 428, 422, 2]
        /// Keys of the day before the last, in a thousand, that are shorter than a day.
        static let shortOnEve = 56
        static let reportTypes: [ReportType] = [.recursive, .selfReport, .clinical, .confirmed]
        /// Keys of transmission risk 1 to 8, for the last day, the day before, and so on.
        static let risks = [
            [529, 437, 340, 870, 2115, 407, 8, 191],
            [1417, 303, 339, 463, 1994, 2018, 30, 599],
            [601, 196, 481, 15, 1276, 727, 1220, 899],
            [393, 449, 105, 15, 1096, 308, 1486, 1134],
            [535, 148, 65, 34, 825, 264, 1605, 1274],
            [477, 76, 110, 130, 566, 1344, 607, 1002],
            [436, 171, 101, 1266, 325, 623, 271, 681],
            [594, 327, 918, 248, 570, 303, 231, 387],
            [865, 1133, 26, 568, 99, 321, 103, 267],
            [1928, 271, 322, 227, 80, 173, 81, 162],
            [2137, 548, 11, 101, 42, 98, 105, 118],
            [2633, 120, 7, 77, 29, 58, 95, 87],
            [2716, 80, 17, 46, 20, 104, 36, 50],
            [2752, 51, 3, 44, 13, 98, 14, 46],
        ]
    }
}
