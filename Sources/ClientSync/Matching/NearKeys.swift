internal import ExposureKeys
internal import ExposureNotification

/// A region's reports of keys that were near, of all schedules, each as it stands.
struct NearKeys {
    let region: Region
    private let keys: RegionKeys
    private let bluezone: BluezoneRegionKeys

    /// - Parameter batches: the region's, in any order.
    init(region: Region, _ batches: some Sequence<MatchedBatch>) {
        self.region = region
        keys = RegionKeys(
            joining: batches.flatMap { batch in batch.near.map { KeyReport($0, publication: batch.publication) } }
        )
        bluezone = BluezoneRegionKeys(
            joining: batches.flatMap { batch in batch.nearBluezone.map { KeyReport($0, publication: batch.publication) }
            }
        )
    }

    /// What the region says of keys that end less than 14 days before `now`, withdrawn ones included, and when each was
    /// seen; those that were not are left out.
    /// - Parameter successor: what the region says that has taken this one over.
    func claims(revisedBy successor: NearKeys?, _ matcher: KeyMatcher, at now: Interval) -> [KeyClaim] {
        let standing = keys.standing(revisedBy: successor?.keys ?? RegionKeys()).filter {
            Expiry.isLive(keyEnding: $0.end, now: now)
        }
        let days = bluezone.standing(revisedBy: successor?.bluezone ?? BluezoneRegionKeys()).filter {
            Expiry.isLive(keyEnding: $0.end, now: now)
        }
        return standing.compactMap { run in
            let seen = matcher.matches(of: run.forms).matches.flatMap(\.sightings)
            return claim(.exposureNotification(run.material), run, seen.map { $0.resolved(under: run.material) })
        }
            + days.compactMap { run in
                claim(.bluezone(run.material), run, matcher.matches(of: run.forms).matches.flatMap(\.sightings))
            }
    }

    private func claim<Key>(
        _ key: KeyClaim.Key,
        _ run: StandingKey<Key>,
        _ sightings: [Encounter]
    ) -> KeyClaim? {
        if sightings.isEmpty { return nil }
        return KeyClaim(
            key: key,
            validity: run.start.number..<run.end.number,
            metadata: run.report.key.metadata,
            publication: run.report.publication,
            region: region,
            sightings: sightings
        )
    }
}
