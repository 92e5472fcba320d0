package import ExposureKeys

/// A published key that was near, whichever regions published it, and when.
package struct MetKey: Sendable {
    /// Of the report that stands. Revoked only if all its regions revoked it: no region withdraws what another says.
    package let metadata: KeyMetadata
    /// Regions whose report that is, ascending.
    package let regions: [Region]
    /// Ascending by time, at least one, each once.
    package let sightings: [Encounter]

    package init(metadata: KeyMetadata, regions: [Region], sightings: [Encounter]) {
        self.metadata = metadata
        self.regions = regions
        self.sightings = sightings
    }

    package var isRevoked: Bool { metadata.reportType == .revoked }

    /// Puts matches together: reports of one key by several regions become one.
    /// - Returns: by identity of keys.
    static func joined(_ matches: [KeyMatch]) -> [MetKey] {
        let ordered = matches.sorted { $0.key != $1.key ? $0.key < $1.key : $0.region < $1.region }
        var met: [MetKey] = []
        var rest = ordered[...]
        while let first = rest.first {
            let reports = rest.prefix { $0.key == first.key }
            met.append(MetKey(reports, first.metadata))
            rest = rest.dropFirst(reports.count)
        }
        return met
    }

    /// - Parameter reports: of one key, each by another region; at least one.
    private init(_ reports: ArraySlice<KeyMatch>, _ first: KeyMetadata) {
        let standing = reports.filter { $0.metadata.reportType != .revoked }
        let counted = standing.isEmpty ? Array(reports) : standing
        // As reports of a key join within a region.
        metadata = counted.map(\.metadata).max() ?? first
        regions = counted.map(\.region)
        var sightings: [Encounter] = []
        for sighting in reports.flatMap(\.sightings).sorted(by: { $0.time != $1.time ? $0.time < $1.time : $0 < $1 })
        where sighting != sightings.last {
            sightings.append(sighting)
        }
        self.sightings = sightings
    }
}
