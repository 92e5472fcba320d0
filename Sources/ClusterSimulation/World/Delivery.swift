public import FeedFormat

/// A batch has become durable at a node.
public struct Delivery: Sendable {
    /// Virtual microseconds.
    public let time: Int64
    public let node: Int
    public let batch: ProvenBatch
}

/// Two nodes that may have a link, by position.
public struct Neighbours: Sendable {
    public let left: Int
    public let right: Int
    /// One way, in virtual microseconds, before jitter.
    public let latency: Int64
}

extension Simulation {
    /// Everything that a link may be between.
    public var overlay: [Neighbours] {
        pipes.map { Neighbours(left: $0.dialler, right: $0.other, latency: $0.latency) }
    }

    /// One way over a link, with jitter: the latency times a uniform draw from 1 to 1.15.
    public static func oneWay(_ latency: Int64, random: inout some RandomNumberGenerator) -> Int64 {
        latency + latency * Int64(random.next() % 151) / 1000
    }
}
