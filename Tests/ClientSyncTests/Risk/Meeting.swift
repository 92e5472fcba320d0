import ClientSync
import ExposureKeys
import ExposureNotification
import Testing
import TestSupport

/// Sightings of one person, and the key behind them, made for tests of risk.
enum Meeting {
    /// 2021-07-30T01:00:00Z, 08:00 in Vietnam.
    static let start: Int64 = 1_627_606_800

    static func sightings(_ strengths: [(second: Int64, strength: SignalStrength)], of person: UInt64 = 1)
        -> [Encounter]
    {
        strengths.map { second, strength in
            Encounter(
                time: start + second,
                identifier: ProximityIdentifier(high: person, low: UInt64(bitPattern: (start + second) / 600)),
                strength: strength
            )
        }
    }

    static func sightings(_ attenuations: [(second: Int64, attenuation: Int)], of person: UInt64 = 1) -> [Encounter] {
        sightings(attenuations.map { ($0.second, .attenuation($0.attenuation)) }, of: person)
    }

    /// Visits of a few minutes to a few hours, with scans of one or more sightings, and moments alone.
    static func random(using random: inout SplitMix64) -> [Encounter] {
        var seen: [(second: Int64, strength: SignalStrength)] = []
        var second = Int64.random(in: 0...40_000, using: &random)
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            let attenuation = Int.random(in: 30...90, using: &random)
            let isKnown = Int.random(in: 0..<8, using: &random) > 0
            seen.append((second, isKnown ? .attenuation(attenuation) : .rssi(-attenuation)))
            let gaps: [Int64] = [0, 1, 4, 10, 11, 60, 150, 299, 300, 301, 600, 601, 1800, 9000]
            second += gaps.randomElement(using: &random) ?? 1
        }
        return sightings(seen)
    }

    static func key(
        _ person: UInt64 = 1,
        _ reportType: ReportType = .confirmed,
        daysSinceOnset: Int? = 0
    ) throws -> DiagnosisKey {
        let metadata = try #require(
            KeyMetadata(
                rollingStart: Interval(unixSeconds: start - 3600),
                rollingPeriod: 144,
                reportType: reportType,
                daysSinceOnset: daysSinceOnset
            )
        )
        return DiagnosisKey(data: KeyData(high: person, low: 0), metadata: metadata)
    }

    static func windows(
        _ sightings: [Encounter],
        of key: DiagnosisKey,
        utcOffset: Int64 = ExposureReport.vietnamOffset
    ) -> [ExposureWindow] {
        ExposureWindow.windows(of: key.metadata, sightings: sightings, infectiousness: .symposium, utcOffset: utcOffset)
    }

    static func met(_ key: DiagnosisKey, _ sightings: [Encounter]) throws -> MetKey {
        MetKey(claims: [try claim(key, sightings)])
    }

    /// What a region says of a key.
    static func claim(
        _ key: DiagnosisKey,
        _ sightings: [Encounter],
        of region: String = "VN-01",
        at publication: Interval = Sample.interval
    ) throws -> KeyClaim {
        KeyClaim(
            key: .exposureNotification(key.data),
            validity: key.metadata.rollingStart.number..<key.metadata.end.number,
            metadata: key.metadata,
            publication: publication,
            region: try #require(Region(region)),
            sightings: sightings
        )
    }

    /// The day of `start`, and the day on which these tests match.
    static let day = CivilDate(unixSeconds: start, utcOffset: ExposureReport.vietnamOffset)
    static let today = CivilDate(unixSeconds: Sample.now, utcOffset: ExposureReport.vietnamOffset)
}
