internal import ExposureKeys
internal import FeedFormat
internal import Logging
internal import Replication
internal import Synchronization

/// The neighbours of a running node: measures round trips as `Neighbourhood` asks, one at a time, and says when the
/// neighbours or the roster have changed.
final class NodeNeighbourhood: Sendable {
    /// Carries nothing: look at `neighbours` and the roster again. One task reads it.
    let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let state: Mutex<Neighbourhood>
    private let rosters: RosterHolder
    private let clock: NodeClock
    private let logger: Logger

    /// How long to wait at most before looking again what is due: another roster may have brought something.
    private static let longestPause: Int64 = 5_000

    init(_ configuration: NodeConfiguration, rosters: RosterHolder, clock: NodeClock, logger: Logger) {
        self.rosters = rosters
        self.clock = clock
        self.logger = logger
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        var random = SystemRandomNumberGenerator()
        state = Mutex(
            Neighbourhood(
                of: configuration.region,
                configured: configuration.neighbours,
                roster: rosters.current,
                settings: configuration.survey,
                now: clock.now,
                using: &random
            )
        )
    }

    /// Ascending.
    var neighbours: [Region] { state.withLock { $0.neighbours } }

    /// In microseconds; nil if it is not known.
    func roundTrip(of region: Region) -> Int64? { state.withLock { $0.roundTrip(of: region) } }

    /// Follows the rosters, until cancelled.
    func followRosters() async {
        for await roster in rosters.updates() {
            var random = SystemRandomNumberGenerator()
            state.withLock { $0.take(roster, now: clock.now, using: &random) }
            changed.yield()
        }
    }

    /// Measures whatever is due, until cancelled.
    func measure(over connections: PeerConnections) async {
        while !Task.isCancelled {
            let next = state.withLock { $0.nextMeasurement }
            let pause = next.map { max(0, $0.due.duration(since: clock.now)) } ?? NodeNeighbourhood.longestPause
            if let next, pause == 0 {
                await measure(next.region, over: connections)
            } else {
                try? await Task.sleep(for: .milliseconds(min(pause, NodeNeighbourhood.longestPause)))
            }
        }
    }

    private func measure(_ region: Region, over connections: PeerConnections) async {
        var outcome: (time: Duration, isConnected: Bool)?
        do {
            outcome = try await connections.roundTrip(to: region)
        } catch {
            if Task.isCancelled { return }
            logger.debug("no round trip", metadata: ["peer": "\(region)", "why": "\(error)"])
        }
        var random = SystemRandomNumberGenerator()
        let isChanged = state.withLock { state in
            let before = state.neighbours
            state.measured(
                region,
                outcome.map { Int64($0.time / .microseconds(1)) },
                isConnected: outcome?.isConnected ?? false,
                now: clock.now,
                using: &random
            )
            return state.neighbours != before
        }
        guard isChanged else { return }
        logger.notice("neighbours have changed", metadata: ["neighbours": "\(neighbours)"])
        changed.yield()
    }
}
