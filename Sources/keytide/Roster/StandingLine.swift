import ArgumentParser
import ExposureKeys
import FeedFormat

/// What stands of an epoch under a closed key, as operators pass it to authorities: `EPOCH:BATCHES:ROOT`.
enum StandingLine {
    static func text(_ standing: RosterRegion.Closure.Standing) -> String {
        "\(standing.epoch):\(standing.size):\(Base64.encode(standing.root.bytes))"
    }

    /// What a file of such lines says, which ends with a line `end COUNT`: a file that was cut short closes nothing.
    static func file(_ path: String) throws -> [RosterRegion.Closure.Standing] {
        let lines = try Files.text(path).split(separator: "\n")
        let count = lines.count - 1
        guard count >= 0, lines[count] == end(count) else {
            throw CommandError(
                "\(path) is not whole: a line for each epoch belongs there, then 'end' and the number of these lines, as "
                    + "'keytide roster standing --epoch' prints them"
            )
        }
        return try lines.dropLast().map { try parse($0) }
    }

    /// The line behind `count` others.
    static func end(_ count: Int) -> String { "end \(count)" }

    static func parse(_ text: some StringProtocol) throws -> RosterRegion.Closure.Standing {
        let parts = text.split(separator: ":")
        guard parts.count == 3, let epoch = Epoch(hexadecimal: parts[0]), let size = UInt64(parts[1]),
            let root = Base64.decode(parts[2]).flatMap({ Hash256(bytes: $0) })
        else { throw ValidationError("'\(text)' is not EPOCH:BATCHES:ROOT, as 'keytide roster standing' prints it") }
        return .init(epoch: epoch, size: size, root: root)
    }

    /// The key to be closed.
    /// - Parameter text: the key, or a region that lists no other.
    static func key(_ text: String, in regions: [RosterRegion]) throws -> NoteVerifier {
        if let key = NoteVerifier(text) { return key }
        guard let region = Region(text) else {
            throw ValidationError("--close \(text) is neither a key name+id+base64 nor a region")
        }
        guard let entry = regions.first(where: { $0.id == region }) else {
            throw CommandError("\(region) is not listed")
        }
        guard entry.keys.count == 1, let key = entry.keys.first else {
            let keys = entry.keys.map { "\n  \($0.verifier.text)" }.joined()
            throw CommandError(
                "\(region) lists \(entry.keys.count.counted("key")); say which one is to be closed:\(keys)"
            )
        }
        return key.verifier
    }
}

/// How many batches of an epoch are said to be genuine.
struct GenuineEpoch: ExpressibleByArgument {
    let epoch: Epoch
    /// Nil for all that the node holds.
    let size: UInt64?

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let epoch = Epoch(hexadecimal: parts[0]) else { return nil }
        self.epoch = epoch
        guard parts.count == 2 else {
            size = nil
            return
        }
        guard let size = UInt64(parts[1]), (1...UInt64(FormatLimits.batchesPerFeed)).contains(size) else { return nil }
        self.size = size
    }
}
