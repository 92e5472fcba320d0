internal import FeedFormat
internal import FeedStore
internal import Foundation

/// Where a node finds rosters when it starts: the file that its operator gives, and the newest that it was given while it
/// ran. The newer one counts.
enum RosterFiles {
    /// Path of the roster that a node keeps, beside its store.
    static func kept(besideStore path: String) -> String { path + ".roster" }

    /// - Parameter now: unix seconds.
    /// - Returns: the newer of the two, its file, and what is to be said of the kept one if it cannot be read: without it the node
    ///   may have gone back to a roster under which a closed key still counts.
    /// - Throws: `NodeError` that names the file and what to do.
    static func newest(
        _ configuration: NodeConfiguration,
        authorities: RosterAuthorities,
        now: Int64
    ) throws(NodeError) -> (SignedRoster, path: String, alarm: String?) {
        let given = try read(configuration.rosterPath, configuration, authorities)
        let path = kept(besideStore: configuration.storePath)
        var held: SignedRoster?
        var alarm: String?
        if FileManager.default.fileExists(atPath: path) {
            do throws(NodeError) {
                held = try read(path, configuration, authorities)
            } catch {
                // Under other authorities the kept one is none any more: whoever names them starts anew.
                alarm =
                    "the roster that this node had kept is passed over: \(error.reason); it runs under version "
                    + "\(given.roster.version) until it is given a newer one"
            }
        }
        do throws(FormatError) {
            guard let held else {
                try given.roster.checkExpiry(now: now)
                return (given, configuration.rosterPath, alarm)
            }
            // A node that holds a roster starts under it though it has expired: see docs/ARCHITECTURE.md, "Decisions".
            let isGivenNewer = try held.isFollowed(by: given, now: .min)
            return isGivenNewer ? (given, configuration.rosterPath, nil) : (held, path, nil)
        } catch {
            let other = held == nil ? "" : " and the one that this node kept, \(path),"
            throw NodeError(
                .file,
                "the roster \(configuration.rosterPath)\(other) cannot be used: \(error); get the newest roster from the "
                    + "authorities"
            )
        }
    }

    private static func read(
        _ path: String,
        _ configuration: NodeConfiguration,
        _ authorities: RosterAuthorities
    ) throws(NodeError) -> SignedRoster {
        let bytes = try bytes(path)
        do throws(FormatError) {
            return try SignedRoster(bytes, authorities: authorities)
        } catch {
            throw NodeError(
                .file,
                "the roster \(path) is not valid under \(configuration.authoritiesPath): \(error); get the newest roster "
                    + "from the authorities"
            )
        }
    }

    /// The bytes of a roster's file, as far as a roster may reach and one more.
    static func bytes(_ path: String) throws(NodeError) -> [UInt8] {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            return [UInt8](try file.read(upToCount: FormatLimits.rosterBytes + 1) ?? Data())
        } catch {
            throw NodeError(.file, "the roster cannot be read from \(path): \(SystemReason.text(error))")
        }
    }
}
