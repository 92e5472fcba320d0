package import ExposureKeys

/// A published key that was near, whichever regions published it, and when.
package struct MetKey: Sendable {
    /// With the report that stands. Revoked only if all its regions revoked it: no region withdraws what another says.
    package let key: DiagnosisKey
    /// Regions whose report that is, ascending.
    package let regions: [Region]
    /// Ascending by time, at least one, each once.
    package let sightings: [Encounter]

    package init(key: DiagnosisKey, regions: [Region], sightings: [Encounter]) {
        self.key = key
        self.regions = regions
        self.sightings = sightings
    }

    package var isRevoked: Bool { key.metadata.reportType == .revoked }

    /// Puts matches together: reports of one key by several regions become one.
    /// - Returns: by identity of keys.
    static func joined(_ matches: [KeyMatch]) -> [MetKey] {
        let ordered = matches.sorted {
            $0.key.identity != $1.key.identity ? $0.key.identity < $1.key.identity : $0.region < $1.region
        }
        var met: [MetKey] = []
        var position = ordered.startIndex
        while position < ordered.endIndex {
            var end = position + 1
            while end < ordered.endIndex, ordered[end].key.identity == ordered[position].key.identity { end += 1 }
            met.append(MetKey(ordered[position..<end], ordered[position].key))
            position = end
        }
        return met
    }

    /// - Parameter reports: of one key, each by another region; at least one.
    private init(_ reports: ArraySlice<KeyMatch>, _ first: DiagnosisKey) {
        let standing = reports.filter { $0.key.metadata.reportType != .revoked }
        let counted = standing.isEmpty ? Array(reports) : standing
        key = counted.dropFirst().reduce(counted.first?.key ?? first) { DiagnosisKey.join($0, $1.key) }
        regions = counted.map(\.region)
        var sightings: [Encounter] = []
        for sighting in reports.flatMap(\.sightings).sorted(by: { $0.time != $1.time ? $0.time < $1.time : $0 < $1 })
        where sighting != sightings.last {
            sightings.append(sighting)
        }
        self.sightings = sightings
    }
}
