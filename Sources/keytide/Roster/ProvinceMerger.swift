import ExposureKeys
import FeedFormat

extension RosterDraft {
    /// What became of Vietnam's 63 provinces on 2025-07-01, of those that are listed: the ones that were merged into
    /// others are retired into these, and the rest bear the names that they have since.
    mutating func mergeProvinces() throws {
        for province in VietnamProvince.until2025 where province.successor != province.region {
            guard let entry = regions.first(where: { $0.id == province.region }), entry.successor == nil else {
                continue
            }
            try retire(province.region, into: province.successor)
        }
        for province in VietnamProvince.since2025 {
            guard let entry = regions.first(where: { $0.id == province.region }),
                entry.vietnameseName != province.vietnameseName || entry.englishName != province.englishName
            else { continue }
            try rename(province.region, (vi: province.vietnameseName, en: province.englishName))
        }
    }
}
