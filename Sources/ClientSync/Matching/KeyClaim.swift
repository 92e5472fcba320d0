package import ExposureKeys

/// What one region says of a key that was near, and when the key was seen in what the region says is its validity.
package struct KeyClaim: Sendable {
    /// Which key, whoever speaks of it.
    package enum Key: Hashable, Comparable, Sendable {
        case exposureNotification(KeyData)
        case bluezone(BluezoneSubKey)
    }

    package let key: Key
    /// Interval numbers of the union of the forms that stand together.
    package let validity: Range<UInt32>
    /// Of the report that stands; of a withdrawn key a revocation.
    package let metadata: KeyMetadata
    package let publication: Interval
    package let region: Region
    /// Ascending by time, at least one, each once.
    package private(set) var sightings: [Encounter]

    package init(
        key: Key,
        validity: Range<UInt32>,
        metadata: KeyMetadata,
        publication: Interval,
        region: Region,
        sightings: [Encounter]
    ) {
        self.key = key
        self.validity = validity
        self.metadata = metadata
        self.publication = publication
        self.region = region
        self.sightings = []
        for sighting in sightings.sorted(by: { $0.time != $1.time ? $0.time < $1.time : $0 < $1 })
        where self.sightings.last != sighting {
            self.sightings.append(sighting)
        }
    }

    package var isWithdrawn: Bool { metadata.reportType == .revoked }

    /// What a second near this key counts for, whatever the distance: infectiousness times report type, both in percent;
    /// below zero for a withdrawn one.
    func weight(_ configuration: RiskConfiguration) -> Int {
        if isWithdrawn { return -1 }
        let onset = OnsetKnowledge(daysSinceOnset: metadata.daysSinceOnset)
        return configuration.weight(of: configuration.infectiousness.infectiousness(of: onset))
            * configuration.reportTypes.weight(of: metadata.reportType)
    }

    /// Without the sightings at these positions, ascending; nil if none is left.
    func without(_ positions: [Int]) -> KeyClaim? {
        if positions.isEmpty { return self }
        if positions.count == sightings.count { return nil }
        var result = self
        for position in positions.reversed() { result.sightings.remove(at: position) }
        return result
    }
}
