import ClientSync
import ExposureKeys
import Foundation

/// What came of files with sightings that were taken into a phone's store.
struct EncounterIntake: Encodable {
    /// Sightings of the files: read, new to the store, and too old to be kept.
    var read = 0
    var new = 0
    var tooOld = 0
    /// Lines that could not be read.
    var refused = 0
    /// Times of scans: read, and new to the store.
    var scansRead = 0
    var scansNew = 0

    /// Forgets what nothing can match any more, and takes in the rest of the files. Lines that cannot be read are named
    /// on standard error and left out; if a file is none of sightings, or no line of it can be read, none is taken in.
    /// - Parameter scans: file with times of scans, if there is one.
    static func take(
        _ paths: [String],
        scans: String?,
        into store: some DeviceStorage,
        now: Int64
    ) async throws -> EncounterIntake {
        let files = try paths.map(sightings)
        let (times, refusedTimes) = try scans.map(scanTimes) ?? ([], 0)
        let sightings = files.flatMap(\.encounters)
        let horizon = Interval(unixSeconds: try await store.encounterHorizon(now: now))
        try await store.dropEncounters(before: horizon)
        let recent = sightings.filter { $0.interval >= horizon }
        return EncounterIntake(
            read: sightings.count,
            new: try await store.hold(recent),
            tooOld: sightings.count - recent.count,
            refused: files.reduce(refusedTimes) { $0 + $1.refused.count },
            scansRead: times.count,
            scansNew: times.isEmpty ? 0 : try await store.hold(scanTimes: times.filter { $0 >= horizon.unixSeconds })
        )
    }

    /// Says what came of files, for people.
    func show(sightings: Bool, scans: Bool) {
        if sightings {
            Output.line(
                "sightings: \(Output.grouped(read)) read, \(Output.grouped(new)) new, "
                    + "\(Output.grouped(tooOld)) too old to keep"
            )
        }
        if scans { Output.line("times of scans: \(Output.grouped(scansRead)) read, \(Output.grouped(scansNew)) new") }
        if refused > 0 {
            let verb = refused == 1 ? "is" : "are"
            Output.line("\(Output.counted(refused, "line")) could not be read and \(verb) left out")
        }
    }

    private static func sightings(_ path: String) throws -> EncounterFile.Contents {
        let bytes = try content(path, "a CSV file of sightings")
        do throws(EncounterFileError) {
            let contents = try EncounterFile.parse(bytes[...])
            if let error = contents.error { throw error }
            name(contents.refused, path)
            return contents
        } catch {
            throw CommandError("\(path), \(error)")
        }
    }

    private static func scanTimes(_ path: String) throws -> (times: [Int64], refused: Int) {
        let bytes = try content(path, "a file with the times of scans")
        do throws(EncounterFileError) {
            let (times, refused) = try ScanTimeFile.parse(bytes[...])
            if times.isEmpty, let first = refused.named.first { throw first }
            name(refused, path)
            return (times, refused.count)
        } catch {
            throw CommandError("\(path), \(error)")
        }
    }

    private static func name(_ refused: RefusedLines, _ path: String) {
        for error in refused.named { Output.progress("left out: \(path), \(error)") }
        let more = refused.count - refused.named.count
        if more > 0 { Output.progress("left out: \(Output.counted(more, "more line")) of \(path)") }
    }

    private static func content(_ path: String, _ kind: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError("\(path) cannot be read; name \(kind)")
        }
        return [UInt8](data)
    }
}

/// What is wrong with a phone's log of sightings.
struct LogComplaint: Encodable {
    /// Sightings of the store that cannot be read any more.
    var damaged: Int
    /// Sightings that went for want of room.
    var lost: Int
    /// Sightings whose times lie in the future: they are set aside until then.
    var waiting: Int

    init(_ log: EncounterLog, latest: Int64) {
        damaged = log.damaged.count
        lost = log.lost
        waiting = log.waiting(after: latest)
    }

    /// Says it on standard error, if there is anything.
    func show() {
        if damaged > 0 {
            Output.progress(
                """
                \(Output.counted(damaged, "sighting")) in the store \(damaged == 1 ? "is" : "are") damaged and cannot be read; \
                the others can: take their file in again if you have it, otherwise they go with time
                """
            )
        }
        if lost > 0 {
            Output.progress(
                """
                the log is full: \(Output.counted(lost, "sighting")) went for want of room, seen once and in the fullest \
                minutes first; whoever was seen in those only cannot be found
                """
            )
        }
        if waiting > 0 {
            let (times, they) =
                waiting == 1
                ? ("is set aside: its time lies", "it counts") : ("are set aside: their times lie", "they count")
            Output.progress(
                """
                \(Output.counted(waiting, "sighting")) \(times) in the future, and \(they) when that has come; check the clock \
                of the phone that scanned
                """
            )
        }
    }
}
