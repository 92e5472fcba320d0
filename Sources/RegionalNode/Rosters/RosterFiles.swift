internal import FeedFormat
internal import Foundation

/// Where a node finds rosters when it starts: the file that its operator gives, and the newest that it was given while it
/// ran. The newer one counts.
enum RosterFiles {
    /// Path of the roster that a node keeps, beside its store.
    static func kept(besideStore path: String) -> String { path + ".roster" }

    /// - Parameter now: unix seconds.
    /// - Throws: `NodeError` that names the file and what to do.
    static func newest(
        _ configuration: NodeConfiguration,
        authorities: RosterAuthorities,
        now: Int64
    ) throws(NodeError) -> SignedRoster {
        let given = try read(configuration.rosterPath, configuration, authorities)
        let path = kept(besideStore: configuration.storePath)
        // Under other authorities the kept one is none any more: whoever names them starts anew.
        let kept = try? read(path, configuration, authorities)
        do throws(FormatError) {
            guard let kept else {
                try given.roster.checkExpiry(now: now)
                return given
            }
            // A node that holds a roster starts under it though it has expired: see docs/ARCHITECTURE.md, "Decisions".
            return try kept.isFollowed(by: given, now: .min) ? given : kept
        } catch {
            let other = kept == nil ? "" : " and the one that this node kept, \(path),"
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
            throw NodeError(.file, "the roster cannot be read from \(path): \(error.localizedDescription)")
        }
    }
}
