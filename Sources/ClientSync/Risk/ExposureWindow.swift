public import ExposureKeys

/// How far attenuations can be trusted, as the API grades a phone's calibration.
public enum CalibrationConfidence: Int, Sendable, CaseIterable, Comparable {
    /// The sender's power is not known, a typical one is taken.
    case lowest = 0
    /// The sender stated its power; how well this phone's receiver is calibrated is not known.
    case low = 1
    /// Not given here: they need a table of calibrated phones.
    case medium = 2
    case high = 3

    public static func < (left: CalibrationConfidence, right: CalibrationConfidence) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .lowest: "lowest"
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        }
    }

    public init?(name: String) {
        guard let found = CalibrationConfidence.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// Scans of at most half an hour and one day in which one key was seen, as the API's `ExposureWindow` has it. Like there
/// nothing in it says which key it was, which other windows are of the same key, or at what time of the day it was.
public struct ExposureWindow: Sendable, Equatable {
    /// The local day. The API has days of UTC; these windows are of the days that people know, and with an offset of 0
    /// they are the API's.
    public let day: CivilDate
    public let reportType: ReportType
    public let infectiousness: Infectiousness
    public let calibrationConfidence: CalibrationConfidence
    /// By time, at least one.
    public let scans: [ScanInstance]

    public init(
        day: CivilDate,
        reportType: ReportType,
        infectiousness: Infectiousness,
        calibrationConfidence: CalibrationConfidence = .low,
        scans: [ScanInstance]
    ) {
        self.day = day
        self.reportType = reportType
        self.infectiousness = infectiousness
        self.calibrationConfidence = calibrationConfidence
        self.scans = scans
    }

    /// Seconds from the first scan of a window within which its others begin.
    public static let length: Int64 = 1800

    /// Not weighted. At most 2100: half an hour, and the time before the first scan.
    public var seconds: Int { scans.reduce(0) { $0 + $1.secondsSinceLastScan } }

    /// The windows of one key.
    /// - Parameters:
    ///   - sightings: of this key, in any order.
    ///   - phone: when the phone scanned.
    ///   - utcOffset: seconds by which local days are ahead of UTC.
    /// - Returns: by time; mix them with those of other keys by `unlinked` before they go anywhere.
    package static func windows(
        of metadata: KeyMetadata,
        sightings: [Encounter],
        phone: PhoneScans = PhoneScans(),
        infectiousness map: InfectiousnessMap,
        utcOffset: Int64
    ) -> [ExposureWindow] {
        let infectiousness = map.infectiousness(of: OnsetKnowledge(daysSinceOnset: metadata.daysSinceOnset))
        return groups(of: KeyScan.scans(of: sightings, phone: phone), utcOffset: utcOffset).map { group in
            ExposureWindow(
                day: group.day,
                reportType: metadata.reportType,
                infectiousness: infectiousness,
                calibrationConfidence: group.scans.allSatisfy { $0.sightings.allSatisfy(\.isAttenuationKnown) }
                    ? .low : .lowest,
                scans: group.scans.map(ScanInstance.init)
            )
        }
    }

    /// Splits scans at midnight and wherever half an hour is full.
    package static func groups(
        of scans: [KeyScan],
        utcOffset: Int64
    ) -> [(day: CivilDate, scans: [KeyScan])] {
        var groups: [(day: CivilDate, scans: [KeyScan])] = []
        for scan in scans {
            let day = CivilDate(unixSeconds: scan.time, utcOffset: utcOffset)
            if let last = groups.last, let first = last.scans.first, last.day == day, scan.time - first.time < length {
                groups[groups.count - 1].scans.append(scan)
            } else {
                groups.append((day, [scan]))
            }
        }
        return groups
    }

    /// The windows in an order that follows from their content alone, so that it tells nothing of keys and times. The API
    /// shuffles instead; a fixed order serves as well and is the same on every phone.
    package static func unlinked(_ windows: [ExposureWindow]) -> [ExposureWindow] {
        windows.sorted { left, right in
            if left.day != right.day { return left.day > right.day }
            if left.reportType != right.reportType { return left.reportType > right.reportType }
            if left.infectiousness != right.infectiousness { return left.infectiousness > right.infectiousness }
            if left.calibrationConfidence != right.calibrationConfidence {
                return left.calibrationConfidence > right.calibrationConfidence
            }
            if left.scans.count != right.scans.count { return left.scans.count > right.scans.count }
            return left.scans.lexicographicallyPrecedes(right.scans, by: ScanInstance.precedes)
        }
    }
}
