internal import Dispatch
internal import Foundation
public import Replication

/// The node's clock: the system's, or one set back to a chosen moment at the start and running on from there.
public struct NodeClock: Sendable {
    private let offset: Int64

    /// - Parameter asOf: unix seconds at which the clock shall stand now; nil for the system's time.
    public init(asOf: Int64? = nil) {
        offset = asOf.map { $0 * 1000 - NodeClock.system } ?? 0
    }

    public var now: Timestamp { Timestamp(milliseconds: NodeClock.system + offset) }

    /// Unix seconds.
    public var seconds: Int64 { now.milliseconds / 1000 }

    /// Milliseconds since some moment, on a clock that nobody sets.
    static var monotonic: Int64 { Int64(clamping: DispatchTime.now().uptimeNanoseconds / 1_000_000) }

    /// The system's unix time in milliseconds, whatever this clock was set to: for durations between processes.
    public static var system: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
