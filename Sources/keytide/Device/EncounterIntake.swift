import ClientSync
import ExposureKeys
import Foundation

/// What came of files with sightings that were taken into a phone's store.
struct EncounterIntake: Encodable {
    /// Sightings of the files: read, new to the store, and too old to be kept.
    var read = 0
    var new = 0
    var tooOld = 0
    /// Times of scans: read, and new to the store.
    var scansRead = 0
    var scansNew = 0

    /// Forgets what nothing can match any more, and takes in the rest of the files. If one cannot be read, none is
    /// taken in.
    /// - Parameter scans: file with times of scans, if there is one.
    static func take(
        _ paths: [String],
        scans: String?,
        into store: some DeviceStorage,
        now: Int64
    ) async throws -> EncounterIntake {
        let sightings = try paths.flatMap(sightings)
        let times = try scans.map(scanTimes) ?? []
        let horizon = Interval(unixSeconds: try await store.encounterHorizon(now: now))
        try await store.dropEncounters(before: horizon)
        let recent = sightings.filter { $0.interval >= horizon }
        return EncounterIntake(
            read: sightings.count,
            new: try await store.hold(recent),
            tooOld: sightings.count - recent.count,
            scansRead: times.count,
            scansNew: times.isEmpty ? 0 : try await store.hold(scanTimes: times.filter { $0 >= horizon.unixSeconds })
        )
    }

    /// Says what came of files, for people.
    func show(sightings: Bool, scans: Bool) {
        if sightings { Output.line("sightings: \(read) read, \(new) new, \(tooOld) too old to keep") }
        if scans { Output.line("times of scans: \(scansRead) read, \(scansNew) new") }
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
        let bytes = try content(path, "a CSV file of sightings")
        do throws(EncounterFileError) {
            return try EncounterFile.parse(bytes[...])
        } catch {
            throw CommandError("\(path), \(error)")
        }
    }

    private static func scanTimes(_ path: String) throws -> [Int64] {
        let bytes = try content(path, "a file with the times of scans")
        do throws(EncounterFileError) {
            let (times, refused) = try ScanTimeFile.parse(bytes[...])
            if let first = refused.named.first { throw first }
            return times
        } catch {
            throw CommandError("\(path), \(error)")
        }
    }

    private static func content(_ path: String, _ kind: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; name \(kind)")
        }
        return [UInt8](data)
    }
}
