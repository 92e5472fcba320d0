package import NIOCore

/// How often something may happen: so many times at once, and so many times a second for as long as it lasts.
public struct FrameRate: Sendable, Hashable {
    public var burst: Int
    public var perSecond: Int

    public init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }
}

/// How often a peer may send frames of HTTP/2 that cost work and move no message on. Whoever goes beyond is told
/// ENHANCE_YOUR_CALM, and its connection is closed. Each rate counts for one connection.
public struct FrameRates: Sendable, Hashable {
    /// RST_STREAM: requests made and given up (CVE-2023-44487). Default 200 at once, 20 a second.
    public var resets = FrameRate(burst: 200, perSecond: 20)
    /// Frames that break the rules of their stream, so that it is reset by us (CVE-2025-8671), and heads that are too
    /// large. Default 100, 10 a second.
    public var provokedResets = FrameRate(burst: 100, perSecond: 10)
    /// PING, answers included. Default 100, 10 a second.
    public var pings = FrameRate(burst: 100, perSecond: 10)
    /// SETTINGS, acknowledgements included. Default 32, 2 a second.
    public var settings = FrameRate(burst: 32, perSecond: 2)
    /// DATA, HEADERS and CONTINUATION without bytes that end nothing. Default 100, 10 a second.
    public var emptyFrames = FrameRate(burst: 100, perSecond: 10)
    /// PRIORITY, which means nothing here. Default 200, 20 a second.
    public var priorities = FrameRate(burst: 200, perSecond: 20)
    /// WINDOW_UPDATE, beyond four for each head received and one for each KiB sent. Default 1000, 100 a second.
    public var windowUpdates = FrameRate(burst: 1000, perSecond: 100)
    /// GOAWAY, and frames of types that RFC 9113 does not have. Default 200, 20 a second.
    public var unknownFrames = FrameRate(burst: 200, perSecond: 20)
    /// Responses of status 1xx, which a client receives. Default 100, 10 a second.
    public var informational = FrameRate(burst: 100, perSecond: 10)
    /// Entries of one SETTINGS frame. Default 32.
    public var maxSettings = 32
    /// CONTINUATION frames of one header list (CVE-2024-27316). Default 8.
    public var maxContinuations = 8

    public init() {}
}

/// What is left of a `FrameRate`. The whole state of the token bucket is the time at which it is full again (the
/// generic cell rate algorithm of ITU-T I.371), so that an unused one costs eight bytes.
package struct FrameBudget {
    private var fullAt = NIODeadline.uptimeNanoseconds(0)

    package init() {}

    /// Takes one; false when none is left at `now`, and then nothing changes.
    package mutating func take(_ rate: FrameRate, now: NIODeadline) -> Bool {
        let step = Self.step(rate)
        let begin = max(fullAt, now)
        let owed = ((begin - now).nanoseconds + step.nanoseconds - 1) / step.nanoseconds
        guard owed < Int64(rate.burst) else { return false }
        fullAt = begin + step
        return true
    }

    /// Gives back `count`. What is more than the bucket holds is lost.
    package mutating func give(_ count: Int, _ rate: FrameRate, now: NIODeadline) {
        guard fullAt > now else { return }
        let debt = (fullAt - now).nanoseconds / Self.step(rate).nanoseconds
        fullAt = fullAt - .nanoseconds(Self.step(rate).nanoseconds * min(Int64(count), debt + 1))
    }

    private static func step(_ rate: FrameRate) -> TimeAmount {
        .nanoseconds(1_000_000_000 / Int64(min(max(rate.perSecond, 1), 1_000_000)))
    }
}
