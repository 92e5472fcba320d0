internal import Dispatch
internal import Foundation
public import Replication

/// The node's clock: the system's, or one set back to a chosen moment at the start and running on from there.
public struct NodeClock: Sendable {
    private let offset: Int64
    private let source: Source
    /// Whether it shows another time than the system's.
    package let isSet: Bool

    /// The clocks of the machine, both in milliseconds.
    package struct Source: Sendable {
        /// Unix time; may be set.
        package let system: @Sendable () -> Int64
        /// Since some moment; nobody sets it.
        package let monotonic: @Sendable () -> Int64

        package init(system: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Int64) {
            self.system = system
            self.monotonic = monotonic
        }

        package static let machine = Source(system: { NodeClock.system }, monotonic: { NodeClock.monotonic })
    }

    /// - Parameter asOf: unix seconds at which the clock shall stand now; nil for the system's time.
    public init(asOf: Int64? = nil) {
        self.init(asOf: asOf, source: .machine)
    }

    package init(asOf: Int64? = nil, source: Source) {
        self.source = source
        isSet = asOf != nil
        offset = asOf.map { $0 * 1000 - source.system() } ?? 0
    }

    public var now: Timestamp { Timestamp(milliseconds: source.system() + offset, elapsed: source.monotonic()) }

    /// Unix time less monotonic time, in milliseconds: constant until somebody sets the system's clock, or a copy of
    /// the machine's memory is resumed at another time.
    var lead: Int64 { source.system() - source.monotonic() }

    /// Unix seconds.
    public var seconds: Int64 { now.milliseconds / 1000 }

    /// Milliseconds since some moment, on a clock that nobody sets.
    static var monotonic: Int64 { Int64(clamping: DispatchTime.now().uptimeNanoseconds / 1_000_000) }

    /// The system's unix time in milliseconds, whatever this clock was set to: for durations between processes.
    public static var system: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
