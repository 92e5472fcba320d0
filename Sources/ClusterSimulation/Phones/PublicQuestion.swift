import ExposureKeys
import FeedFormat

/// What a phone asks on the public routes (docs/HTTP-API.md).
enum PublicQuestion {
    case index
    /// Another node's.
    case indexOf(Region)
    /// By the hexadecimal form of its hash.
    case settled(Substring)
    case roster
    case range(FeedID, FeedRange)
    case hashes(FeedID, FeedRange)
    case frontier(FeedID, UInt64)

    /// - Returns: nil if the path is no route.
    init?(path: String) {
        let parts = path.split(separator: "/")
        guard parts.count > 1, parts[0] == "v1" else { return nil }
        switch (parts[1], parts.count) {
        case ("index", 2): self = .index
        case ("index", 3):
            guard let region = Region(parts[2]) else { return nil }
            self = .indexOf(region)
        case ("index", 4) where parts[2] == "settled": self = .settled(parts[3])
        case ("roster", 2): self = .roster
        case ("feeds", 6), ("feeds", 7):
            guard let region = Region(parts[2]), let epoch = Epoch(hexadecimal: parts[3]),
                let number = UInt64(parts[parts.count - 1])
            else { return nil }
            let feed = FeedID(region: region, epoch: epoch)
            if parts[4] == "frontier" {
                self = .frontier(feed, number)
            } else {
                guard let level = Int(parts[parts.count - 2]), let range = FeedRange(level: level, index: number) else {
                    return nil
                }
                self = parts[4] == "hashes" ? .hashes(feed, range) : .range(feed, range)
            }
        default: return nil
        }
    }
}
