import ExposureKeys
import FeedFormat
import FeedStore
import Foundation

// A process of its own for what a test cannot do to itself: be killed, be traced, run out of space, hold a lock.
//
//   FeedStoreExerciser append  PATH SIZE COUNT   appends COUNT times, printing "ack NUMBER" after each
//   FeedStoreExerciser fill    PATH SIZE LIMIT   appends under a limit of LIMIT bytes a file until the store is full,
//                                                lifts the limit and appends once more
//   FeedStoreExerciser hold    PATH              opens the store, prints "held", ends with its standard input
//   FeedStoreExerciser crash   PATH SEED COUNT [off|normal]
//                                                cuts the power of a disk in memory COUNT times, with a fault of the
//                                                store planted if one is named; prints what was seen
//   FeedStoreExerciser measure PATH SIZE COUNT   appends COUNT times, printing quantiles of the time taken
//
// Exit status 0, or 1 with the store's error on standard output.

/// Writes a line at once, in one system call.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}

func next(in store: SQLiteFeedStore) throws -> UInt64 {
    try store.feeds().first?.count ?? 0
}

func append(_ path: String, size: Int, count: Int) throws {
    let store = try SQLiteFeedStore(path: path)
    let start = try next(in: store)
    for number in start..<start + UInt64(count) {
        try store.append(ExercisePattern.append(number, size: size))
        say("ack \(number)")
        if number % ExercisePattern.dropCadence == 0, number >= ExercisePattern.kept {
            let limit = UInt32(truncatingIfNeeded: number - ExercisePattern.kept)
            _ = try store.drop(publishedAtOrBefore: Interval(limit))
        }
    }
    try store.close()
}

func fill(_ path: String, size: Int, limit: Int) throws {
    // Without this the kernel ends a process that writes past its limit.
    signal(SIGXFSZ, SIG_IGN)
    let store = try SQLiteFeedStore(path: path)
    limitFiles(to: rlim_t(limit))
    let number = try appendUntilFull(store, size: size)
    limitFiles(to: .max)
    try store.append(ExercisePattern.append(number, size: size))
    say("ack \(number)")
    try store.close()
}

/// Sets the soft limit on the size of files that this process writes.
func limitFiles(to bytes: rlim_t) {
    let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    var limits = rlimit()
    getrlimit(resource, &limits)
    limits.rlim_cur = min(bytes, limits.rlim_max)
    setrlimit(resource, &limits)
}

/// - Returns: the number of the append that was refused.
func appendUntilFull(_ store: SQLiteFeedStore, size: Int) throws -> UInt64 {
    let start = try next(in: store)
    for number in start..<start + 10_000 {
        do throws(StoreError) {
            try store.append(ExercisePattern.append(number, size: size))
            say("ack \(number)")
        } catch {
            guard error.code == .full else { throw error }
            say("refused \(number): \(error)")
            return number
        }
    }
    throw StoreError(.io, "the disk did not become full")
}

func hold(_ path: String) throws {
    let store = try SQLiteFeedStore(path: path)
    say("held")
    while let line = readLine() { say(line) }
    try store.close()
}

func measure(_ path: String, size: Int, count: Int) throws {
    let clock = ContinuousClock()
    let store = try SQLiteFeedStore(path: path)
    let feed = ExercisePattern.feeds[0]
    var times: [Duration] = []
    for number in 0..<UInt64(count) {
        let batch = ExercisePattern.batch(feed, number, size: size)
        let start = clock.now
        try store.append([batch])
        times.append(clock.now - start)
    }
    times.sort()
    say(
        "append of \(size) bytes: median \(times[count / 2]), 99 % \(times[count * 99 / 100]), most \(times[count - 1])"
    )
    let reading = clock.now
    for number in 0..<UInt64(count) { _ = try store.batch(feed, number) }
    say("read and verified \(count) batches in \(clock.now - reading)")
    let listing = clock.now
    _ = try store.feeds()
    say("feeds() with \(count) leaves in \(clock.now - listing)")
    try store.close()
    let opening = clock.now
    try SQLiteFeedStore(path: path).close()
    say("opened and closed in \(clock.now - opening)")
}

/// Disks of a few lives each, so that they stay small.
func crash(_ path: String, seed: UInt64, count: Int, plant: CrashRuns.Plant) throws {
    let fileSystem = CrashFileSystem()
    var tally = CrashRuns.Tally()
    var seed = seed
    while tally.crashes < count {
        var runs = CrashRuns(seed: seed, path: path, plant: plant, on: fileSystem)
        do {
            try runs.run(crashes: min(12, count - tally.crashes))
        } catch {
            say("violation of seed \(seed) after \(runs.tally.crashes) power cuts: \(error)")
            exit(1)
        }
        tally = tally + runs.tally
        seed += 1
    }
    say("\(tally)")
}

let arguments = CommandLine.arguments
do {
    switch (arguments.dropFirst().first, arguments.count) {
    case ("append", 5): try append(arguments[2], size: Int(arguments[3]) ?? 0, count: Int(arguments[4]) ?? 0)
    case ("fill", 5): try fill(arguments[2], size: Int(arguments[3]) ?? 0, limit: Int(arguments[4]) ?? 0)
    case ("crash", 5), ("crash", 6):
        let plant = arguments.count == 6 ? CrashRuns.Plant(rawValue: arguments[5]) : CrashRuns.Plant.none
        guard let seed = UInt64(arguments[3]), let count = Int(arguments[4]), let plant else { exit(2) }
        try crash(arguments[2], seed: seed, count: count, plant: plant)
    case ("hold", 3): try hold(arguments[2])
    case ("measure", 5): try measure(arguments[2], size: Int(arguments[3]) ?? 0, count: Int(arguments[4]) ?? 0)
    default:
        say(
            "usage: append|measure PATH SIZE COUNT, fill PATH SIZE LIMIT, hold PATH, crash PATH SEED COUNT [off|normal]"
        )
        exit(2)
    }
} catch {
    say("error \(error)")
    exit(1)
}
