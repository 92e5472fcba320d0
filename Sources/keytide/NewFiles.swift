import FeedFormat
import FeedStore
import Foundation

/// Files that commands make: never over one that is there, and private keys for their owner only.
enum NewFiles {
    /// Makes a directory for its owner only, or takes one that is there if not every user can write to it.
    static func directory(_ path: String) throws {
        do throws(StoreError) {
            try OwnFile.makeFolder(path)
            _ = try OwnFile.checkFolder(of: "\(path)/.", setting: "private keys are to be made there")
        } catch {
            throw CommandError(error.reason)
        }
    }

    /// Refuses if any of these is there, before anything is made.
    static func refuseExisting(_ paths: [String]) throws {
        for path in paths where FileManager.default.fileExists(atPath: path) { throw existing(path) }
    }

    private static func existing(_ path: String) -> CommandError {
        CommandError("\(path) exists already and is not overwritten; name another place, or move it away")
    }

    /// - Parameter secret: only its owner may read it.
    static func write(_ bytes: some Collection<UInt8>, _ path: String, secret: Bool = false) throws {
        do throws(StoreError) {
            try OwnFile.create(path, [UInt8](bytes), mode: secret ? 0o600 : 0o644)
        } catch {
            guard error.code != .inUse else { throw existing(path) }
            throw CommandError(error.reason)
        }
    }

    /// A new private key, whose text form is for a file of its own.
    static func signer(_ name: String, _ algorithm: NoteVerifier.Algorithm) throws -> NoteSigner {
        var random = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        guard let signer = NoteSigner(name: name, algorithm: algorithm, seed: seed) else {
            throw CommandError("'\(name)' cannot be a key's name: 1 to 64 bytes without spaces and plus signs")
        }
        return signer
    }

    /// The private key in a file.
    static func readSigner(_ path: String) throws -> NoteSigner {
        let text = try Files.text(path)
        guard let signer = NoteSigner(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw CommandError("\(path) holds no private key: a line PRIVATE+KEY+name+hash+base64 belongs there")
        }
        return signer
    }
}
