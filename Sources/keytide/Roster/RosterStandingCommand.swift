import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode

/// `keytide roster standing`: what a node holds under a key that is to be closed, for its operator to choose from.
struct RosterStandingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standing",
        abstract: "Say what is genuine under a stolen key, from what a node holds.",
        discussion: """
            Without --epoch it shows the epochs that the key has signed: when each began, when it was last published, how \
            many batches it has. With --epoch it prints a line for each one named, for 'keytide roster draft --standing'. \
            Whatever is not named is dropped everywhere once the roster closes the key.
            """
    )

    @Option(help: "Admin socket of a node that you trust.", completion: .file())
    var socket: String

    @Option(help: "The stolen key, as name+id+base64; or its region, if the roster lists but one.")
    var close: String

    @Option(help: "EPOCH or EPOCH:BATCHES: a genuine epoch, or its first batches; may be repeated.")
    var epoch: [GenuineEpoch] = []

    func run() async throws {
        let client = try await AdminClient(socket: socket)
        let epochs: [SignedEpoch]
        let lines: [String]
        do {
            let key = try await keyToClose(client)
            epochs = try await signed(by: key, client)
            lines = try await standing(epochs, client)
        } catch {
            await client.close()
            throw error is FormatError ? CommandError("what the node gave cannot be read: \(error)") : error
        }
        await client.close()
        guard epoch.isEmpty else { return (lines + [StandingLine.end(lines.count)]).forEach(Output.line) }
        Output.table(
            [["epoch", "began", "last published", "batches"]]
                + epochs.map { one in
                    let published = RosterTable.time(one.lastPublication.unixSeconds)
                    return [
                        "\(one.feed.epoch)", RosterTable.time(one.feed.epoch.startUnixSeconds), published,
                        "\(one.count)",
                    ]
                }
        )
        Output.line("name those that are genuine with --epoch EPOCH, or their first batches with --epoch EPOCH:BATCHES")
    }

    /// An epoch whose newest batch the key has signed.
    private struct SignedEpoch {
        let feed: FeedID
        let key: NoteVerifier
        let count: UInt64
        let lastPublication: Interval
    }

    private func keyToClose(_ client: AdminClient) async throws -> NoteVerifier {
        let bytes = try await client.get("/v1/roster", limit: FormatLimits.rosterBytes)
        // The node has verified it, and who trusts the node with feeds trusts it with this.
        return try StandingLine.key(close, in: Roster(verified: bytes[...]).regions)
    }

    private func signed(by key: NoteVerifier, _ client: AdminClient) async throws -> [SignedEpoch] {
        var found: [SignedEpoch] = []
        for feed in try await client.status().feeds where feed.first < feed.count {
            let parts = feed.feed.split(separator: "/")
            guard parts.count == 2, let region = Region(String(parts[0])), let epoch = Epoch(hexadecimal: parts[1]),
                key.name == KeytideNames.signer(region)
            else { continue }
            let one = SignedEpoch(
                feed: FeedID(region: region, epoch: epoch),
                key: key,
                count: feed.count,
                lastPublication: Interval(feed.lastPublication)
            )
            if try await root(of: one, at: feed.count, client) != nil { found.append(one) }
        }
        guard !found.isEmpty else {
            throw CommandError("the node holds nothing that the key \(key.text) has signed")
        }
        return found
    }

    /// - Returns: the root that the key has signed at a size, nil if another key has.
    private func root(of one: SignedEpoch, at size: UInt64, _ client: AdminClient) async throws -> Hash256? {
        guard let range = FeedRange(level: 0, index: size - 1) else { return nil }
        let path = "/v1/feeds/\(one.feed.region)/\(one.feed.epoch)/0/\(range.index)"
        let bytes = try await client.get(path, limit: FormatLimits.batchBytes + FormatLimits.checkpointBytes)
        let body = try RangeBody(bytes[...], range: range)
        let key = RosterRegion.Key(verifier: one.key, notBefore: .min, notAfter: .max)
        do throws(FormatError) {
            return try SignedCheckpoint(body.checkpoint, region: one.feed.region, epoch: one.feed.epoch, keys: [key])
                .checkpoint.root
        } catch {
            guard error.code == .missingSignature else { throw error }
            return nil
        }
    }

    private func standing(_ epochs: [SignedEpoch], _ client: AdminClient) async throws -> [String] {
        var lines: [String] = []
        for genuine in epoch {
            guard let one = epochs.first(where: { $0.feed.epoch == genuine.epoch }) else {
                throw CommandError("the node holds no epoch \(genuine.epoch) that this key has signed")
            }
            let size = genuine.size ?? one.count
            guard size <= one.count else {
                throw CommandError("epoch \(genuine.epoch) has \(one.count.counted("batch")) here, not \(size)")
            }
            guard let root = try await root(of: one, at: size, client) else {
                throw CommandError("another key has signed epoch \(genuine.epoch) at \(size.counted("batch"))")
            }
            lines.append(StandingLine.text(.init(epoch: genuine.epoch, size: size, root: root)))
        }
        return lines
    }
}
