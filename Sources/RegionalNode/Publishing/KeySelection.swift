internal import ExposureKeys

/// Which keys of an import are published, and why the others are not.
struct KeySelection {
    /// To publish: new to the region's state, or changing it.
    private(set) var news: [DiagnosisKey] = []
    /// Ended 15 days ago or earlier.
    private(set) var expired = 0
    /// Still in use at the publication interval.
    private(set) var notYetEnded = 0
    /// Published before with the same or a higher report, or twice in the import.
    private(set) var duplicates = 0

    init(of keys: [DiagnosisKey], publication: Interval, state: RegionKeys) {
        var candidates: [DiagnosisKey] = []
        candidates.reserveCapacity(keys.count)
        for key in keys {
            if key.metadata.end > publication {
                notYetEnded += 1
            } else if !Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: publication) {
                expired += 1
            } else {
                candidates.append(key)
            }
        }
        news = state.news(in: RegionKeys(joining: candidates))
        duplicates = candidates.count - news.count
    }
}
