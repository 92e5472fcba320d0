internal import ExposureKeys
internal import FeedFormat
internal import FeedStore
internal import Foundation

/// The files that a node is given: its key, the roster, and who may sign that.
struct NodeFiles {
    let signer: NoteSigner
    let authorities: RosterAuthorities
    /// The newest of the file's and the one kept beside the store.
    let signedRoster: SignedRoster
    /// What the operator must know of the roster that the node had kept, once it runs.
    let alarm: String?

    /// - Parameter now: unix seconds, for the roster's expiry.
    /// - Throws: `NodeError` that names the file and what to do.
    init(_ configuration: NodeConfiguration, now: Int64) throws(NodeError) {
        let keyText = try NodeFiles.text(configuration.signingKeyPath, "the signing key")
        guard let signer = NoteSigner(keyText.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw NodeError(
                .file,
                "\(configuration.signingKeyPath) holds no signing key: a line PRIVATE+KEY+name+hash+base64 belongs there"
            )
        }
        let authoritiesText = try NodeFiles.text(configuration.authoritiesPath, "the authorities")
        do throws(FormatError) {
            authorities = try RosterAuthorities(text: authoritiesText)
        } catch {
            throw NodeError(.file, "\(configuration.authoritiesPath) does not say who may sign the roster: \(error)")
        }
        let (rosterPath, alarm): (String, String?)
        (signedRoster, rosterPath, alarm) = try RosterFiles.newest(configuration, authorities: authorities, now: now)
        self.alarm = alarm
        self.signer = signer
        let roster = signedRoster.roster
        guard let entry = roster.region(configuration.region) else {
            throw NodeError(
                .notInRoster,
                "the roster \(rosterPath), version \(roster.version), does not list \(configuration.region); "
                    + "have it listed, or correct the setting 'region'"
            )
        }
        guard let key = entry.keys.first(where: { $0.verifier == signer.verifier }) else {
            throw NodeError(
                .notInRoster,
                "the roster \(rosterPath), version \(roster.version), lists \(configuration.region) with another key than the one in "
                    + "\(configuration.signingKeyPath); correct the setting 'key', or have this key listed"
            )
        }
        guard (key.notBefore...max(key.notBefore, key.notAfter)).contains(now) else {
            throw NodeError(
                .notInRoster,
                "the key in \(configuration.signingKeyPath) is not valid now: the roster \(rosterPath), version "
                    + "\(roster.version), lets it sign from \(UTCText.moment(key.notBefore)) to \(UTCText.moment(key.notAfter)); have a new key listed, or set the clock right"
            )
        }
    }

    /// What is wrong with a secret's file, though it can be read.
    static func exposure(ofKey path: String) -> String? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue, mode & 0o077 != 0 else { return nil }
        return
            "the signing key \(path) has mode 0\(String(mode & 0o777, radix: 8)), so that others than its owner may sign "
            + "in this region's name: chmod 0600 \(path), and have another key listed if anybody else uses this machine"
    }

    private static func text(_ path: String, _ what: String) throws(NodeError) -> String {
        do {
            return try EditedText.text(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as FormatError {
            throw NodeError(.file, "\(what) cannot be read from \(path): \(error.reason)")
        } catch {
            throw NodeError(.file, "\(what) cannot be read from \(path): \(SystemReason.text(error))")
        }
    }
}
