internal import ExposureKeys

/// A region's keys that were near, of all schedules, each with the report that stands.
struct NearKeys {
    let region: Region
    private let keys: RegionKeys
    private let bluezone: BluezoneRegionKeys

    /// - Parameter batches: the region's, in any order.
    init(region: Region, _ batches: some Sequence<MatchedBatch>) {
        self.region = region
        keys = RegionKeys(joining: batches.flatMap(\.near))
        bluezone = BluezoneRegionKeys(joining: batches.flatMap(\.nearBluezone))
    }

    private init(region: Region, _ keys: RegionKeys, _ bluezone: BluezoneRegionKeys) {
        self.region = region
        self.keys = keys
        self.bluezone = bluezone
    }

    /// With what the region says that has taken this one over.
    func revised(by successor: NearKeys) -> NearKeys {
        NearKeys(region: region, keys.revised(by: successor.keys), bluezone.revised(by: successor.bluezone))
    }

    /// When those that end less than 14 days before `now` were seen, revoked ones included.
    func matches(_ matcher: KeyMatcher, at now: Interval) -> [KeyMatch] {
        let current = keys.current(at: now)
        let days = bluezone.keys.filter { Expiry.isLive(keyEnding: $0.metadata.end, now: now) }
        return matcher.matches(of: current).matches.map { match in
            let key = current[match.position]
            return KeyMatch(
                key: .exposureNotification(key.identity),
                metadata: key.metadata,
                region: region,
                sightings: match.sightings.map { $0.resolved(under: key.data) }
            )
        }
            + matcher.matches(of: days).matches.map { match in
                let key = days[match.position]
                return KeyMatch(
                    key: .bluezone(key.identity),
                    metadata: key.metadata,
                    region: region,
                    sightings: match.sightings
                )
            }
    }
}

/// A published key that was near, and when.
struct KeyMatch: Sendable {
    /// Which key, whoever speaks of it.
    enum Key: Hashable, Comparable, Sendable {
        case exposureNotification(DiagnosisKey.Identity)
        case bluezone(BluezoneDayKey.Identity)
    }

    let key: Key
    /// Of the region's report.
    let metadata: KeyMetadata
    let region: Region
    /// At least one.
    let sightings: [Encounter]
}
