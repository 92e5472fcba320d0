public import ExposureKeys
internal import FeedFormat

extension DeviceStorage {
    /// The merged state of a region, rebuilt from the batches held: the join of all of them, revoked keys included.
    /// - Throws: what the store throws; `SyncError` with code `.badFeed` if a stored batch no longer decodes.
    public func keys(of region: Region) async throws -> RegionKeys {
        let reports = try await reduceBatches(of: region, into: [KeyReport<DiagnosisKey>]()) { reports, stored in
            do throws(FormatError) {
                reports += try Batch(stored.bytes).keys().map { KeyReport($0, publication: stored.publication) }
            } catch {
                throw SyncError.damaged(stored, error)
            }
        }
        return RegionKeys(joining: reports)
    }

    /// The time before which sightings can match nothing any more, in unix seconds; 0 while nothing has been synced.
    ///
    /// Sightings exist nowhere else, so a clock that runs ahead must not decide alone: at most a day later than the
    /// newest publication seen counts.
    public func encounterHorizon(now: Int64) async throws -> Int64 {
        guard let newest = try await cursors().map(\.lastPublication).max() else { return 0 }
        let trusted = min(now, newest.unixSeconds + Interval.perDay * Interval.seconds)
        let age = Expiry.keyLifetime + Interval.perDay + ExposureMatching.tolerance
        return max(0, trusted - age * Interval.seconds)
    }
}

extension SyncError {
    static func damaged(_ stored: HeldBatch, _ error: FormatError) -> SyncError {
        SyncError(
            .badFeed,
            """
            batch \(stored.number) of \(stored.feed) in this phone's store is damaged: \(error.reason); delete the store \
            and sync again
            """,
            cause: error
        )
    }
}
