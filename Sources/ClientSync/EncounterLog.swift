public import ExposureKeys

/// The sightings that a phone holds, and how many of them can no longer be read.
public struct EncounterLog: Sendable, Equatable {
    /// Ascending.
    public let encounters: [Encounter]
    /// Intervals of sightings that are damaged, ascending, one entry each.
    public let damaged: [Interval]

    public init(encounters: [Encounter], damaged: [Interval] = []) {
        self.encounters = encounters
        self.damaged = damaged
    }
}

extension DeviceStorage {
    /// The sightings held that can be read, ascending. `encounterLog()` says also how many cannot.
    public func encounters() async throws -> [Encounter] { try await encounterLog().encounters }
}
