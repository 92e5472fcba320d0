internal import ExposureKeys
internal import FeedFormat

/// A request to a public route, read from its path. Anything but the one spelling of a route is none.
enum PublicRoute: Equatable {
    case index
    case indexOf(Region)
    case settled(Hash256)
    case range(FeedID, FeedRange)
    case hashes(FeedID, FeedRange)
    case frontier(FeedID, UInt64)
    case roster
    case health

    init?(path: String) {
        guard path.utf8.count <= 256, path.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        switch (parts.count, parts[0]) {
        case (1, "healthz"): self = .health
        case (2, "v1") where parts[1] == "index": self = .index
        case (2, "v1") where parts[1] == "roster": self = .roster
        case (3, "v1") where parts[1] == "index":
            guard let region = Region(parts[2]) else { return nil }
            self = .indexOf(region)
        case (4, "v1") where parts[1] == "index" && parts[2] == "settled":
            guard let hash = PublicRoute.hash(parts[3]) else { return nil }
            self = .settled(hash)
        case (6, "v1") where parts[1] == "feeds":
            guard let feed = PublicRoute.feed(parts[2], parts[3]) else { return nil }
            if parts[4] == "frontier" {
                guard let size = PublicRoute.number(parts[5]) else { return nil }
                self = .frontier(feed, size)
            } else {
                guard let range = PublicRoute.range(parts[4], parts[5]) else { return nil }
                self = .range(feed, range)
            }
        case (7, "v1") where parts[1] == "feeds" && parts[4] == "hashes":
            guard let feed = PublicRoute.feed(parts[2], parts[3]), let range = PublicRoute.range(parts[5], parts[6])
            else { return nil }
            self = .hashes(feed, range)
        default: return nil
        }
    }

    private static func feed(_ region: Substring, _ epoch: Substring) -> FeedID? {
        guard let region = Region(region), let epoch = Epoch(hexadecimal: epoch) else { return nil }
        return FeedID(region: region, epoch: epoch)
    }

    private static func range(_ level: Substring, _ index: Substring) -> FeedRange? {
        guard let level = number(level), let index = number(index) else { return nil }
        return FeedRange(level: Int(clamping: level), index: index)
    }

    /// A decimal number without sign or leading zeros.
    private static func number(_ text: Substring) -> UInt64? {
        guard let value = UInt64(text), String(value) == text else { return nil }
        return value
    }

    private static func hash(_ text: Substring) -> Hash256? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var digits = text.utf8.makeIterator()
        while let high = digits.next(), let low = digits.next() {
            guard let high = digit(high), let low = digit(low) else { return nil }
            bytes.append(high << 4 | low)
        }
        return Hash256(bytes: bytes)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension PublicRoute {
    /// As metrics name it.
    var name: RouteName {
        switch self {
        case .index: .index
        case .indexOf: .indexOf
        case .settled: .settled
        case .range: .range
        case .hashes: .hashes
        case .frontier: .frontier
        case .roster: .roster
        case .health: .health
        }
    }
}
