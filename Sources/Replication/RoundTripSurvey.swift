import ExposureKeys

/// The knobs of a survey, each with what is traded.
public struct SurveySettings: Sendable {
    /// How many of the nearest regions are neighbours. More spreads batches over shorter ways and costs links.
    public var nearest = 3
    /// Milliseconds over which the first look at each region is spread for every region, and for all of them at most.
    /// Less knows the nearest sooner after a start and makes more connections at once.
    public var firstSpread: Int64 = 2_000
    public var longestFirstSpread: Int64 = 180_000
    /// Milliseconds until a region is measured again: one to which no connection is open costs a handshake, about 4 KB,
    /// one to which there is an open connection some hundred bytes.
    public var pause: Int64 = 7_200_000
    public var connectedPause: Int64 = 600_000
    /// Milliseconds until a region that did not answer is tried again; doubles up to `retryLimit`. Shorter finds a node
    /// sooner that starts a moment later, and asks one in vain more often that is away.
    public var retryPause: Int64 = 5_000
    public var retryLimit: Int64 = 1_800_000
    /// Measurements that count, of which the least is the region's round trip. More hides more of a passing load, and
    /// notices later that a way has become longer.
    public var samples = 3
    /// Failures in a row after which a region's measurements count no more. Fewer replaces sooner whom a lasting fault
    /// has cut off; more lets a node be restarted without losing its place.
    public var failures = 6

    public init() {}
}

/// When to measure the round trip to which region, and what the measurements say. Each region is looked at once within
/// minutes, then rarely; every pause is up to a half longer at random, so that nodes that start together part.
struct RoundTripSurvey: Sendable {
    private struct Entry: Sendable {
        var due: Timestamp
        /// The newest ones, in microseconds, oldest first.
        var times: [Int64] = []
        var failures = 0
        var isTried = false
    }

    private let settings: SurveySettings
    private var entries = SortedMap<Region, Entry>()

    init(settings: SurveySettings) {
        self.settings = settings
    }

    /// - Parameter regions: all that are to be measured, each once.
    mutating func take(
        _ regions: [Region],
        now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        for region in entries.keys where !regions.contains(region) { entries[region] = nil }
        let spread = min(Int64(regions.count) * settings.firstSpread, settings.longestFirstSpread)
        for region in regions where entries[region] == nil {
            let delay = Int64.random(in: 0...max(0, spread), using: &random)
            entries[region] = Entry(due: now.advanced(byMilliseconds: delay))
        }
    }

    /// What is to be measured next, and when; nil if there is nothing.
    var next: (region: Region, due: Timestamp)? {
        zip(entries.keys, entries.values).map { (region: $0, due: $1.due) }.min { $0.due < $1.due }
    }

    /// - Parameters:
    ///   - time: in microseconds; nil if the region did not answer.
    ///   - isConnected: a connection that is open anyway was used.
    mutating func measured(
        _ region: Region,
        _ time: Int64?,
        isConnected: Bool,
        now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        let settings = settings
        entries.update(region) { entry in
            entry.isTried = true
            let pause: Int64
            if let time {
                entry.failures = 0
                entry.times = Array((entry.times + [time]).suffix(settings.samples))
                pause = isConnected ? settings.connectedPause : settings.pause
            } else {
                pause = min(settings.retryPause << Int64(min(entry.failures, 20)), settings.retryLimit)
                entry.failures += 1
                if entry.failures >= settings.failures { entry.times = [] }
            }
            let jitter = Int64.random(in: 0...max(0, pause / 2), using: &random)
            entry.due = now.advanced(byMilliseconds: pause + jitter)
        }
    }

    /// The least of the newest measurements, in microseconds; nil if there is none.
    func roundTrip(of region: Region) -> Int64? { entries[region]?.times.min() }

    /// Whether there are regions, and each has been tried.
    var isComplete: Bool { !entries.isEmpty && entries.values.allSatisfy(\.isTried) }
}
