public import ExposureKeys
internal import FeedFormat

extension DeviceStorage {
    /// The merged state of a region, rebuilt from the batches held: the join of all of them, revoked keys included.
    /// - Throws: what the store throws; `SyncError` with code `.badFeed` if a stored batch no longer decodes.
    public func keys(of region: Region) async throws -> RegionKeys {
        let reports = try await reduceBatches(of: region, into: [DiagnosisKey]()) { reports, stored in
            do throws(FormatError) {
                reports += try Batch(stored.bytes).keys()
            } catch {
                throw SyncError(
                    .badFeed,
                    """
                    batch \(stored.number) of \(stored.feed) in this phone's store is damaged: \(error.reason); delete \
                    the store and sync again
                    """,
                    cause: error
                )
            }
        }
        return RegionKeys(joining: reports)
    }
}
