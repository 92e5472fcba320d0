import ClientSync
import ExposureKeys
import Foundation

/// What came of files with sightings that were taken into a phone's store.
struct EncounterIntake: Encodable {
    /// Sightings of the files: read, new to the store, and too old to be kept.
    var read = 0
    var new = 0
    var tooOld = 0

    /// Forgets what nothing can match any more, and takes in the rest of the files. If one cannot be read, none is
    /// taken in.
    static func take(_ paths: [String], into store: some DeviceStorage, now: Int64) async throws -> EncounterIntake {
        let sightings = try paths.flatMap(sightings)
        let horizon = Interval(unixSeconds: try await store.encounterHorizon(now: now))
        try await store.dropEncounters(before: horizon)
        let recent = sightings.filter { $0.interval >= horizon }
        return EncounterIntake(
            read: sightings.count,
            new: try await store.hold(recent),
            tooOld: sightings.count - recent.count
        )
    }

    /// Says on standard error that sightings cannot be read, if there are such.
    static func complain(ofDamaged count: Int) {
        if count == 0 { return }
        Output.progress(
            """
            \(count) sightings in the store are damaged and cannot be read; the others can: take their file in again if \
            you have it, otherwise they go with time
            """
        )
    }

    private static func sightings(_ path: String) throws -> [Encounter] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; name a CSV file of sightings")
        }
        do {
            return try EncounterFile.parse([UInt8](data)[...])
        } catch {
            throw CommandError("\(path), \(error)")
        }
    }
}
