import DeviceStore
import FeedStore
import Foundation

/// The file with the key of a phone's sightings: 64 hexadecimal digits and an end of line, for its owner only. A phone
/// app would use the system's keystore instead: whoever copies the store and this file beside it reads both.
enum EncounterKeyFile {
    /// The key in a file, which is made if neither it nor a sealed log is there.
    /// - Parameter store: that the key is for.
    static func key(_ path: String, store: String) throws -> EncounterLogKey {
        if FileManager.default.fileExists(atPath: path) { return try read(path) }
        guard try !EncounterLogStanding(path: store).isSealed else {
            throw CommandError(
                """
                there is no file \(path), and the sightings in \(store) are sealed; put the file with their key back, \
                name it with --encounter-key or, if it is lost, give the sightings up with 'keytide device encounters \
                erase --store \(store)'
                """
            )
        }
        let key = EncounterLogKey.random()
        let digits = key.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try NewFiles.write((digits + "\n").utf8, path, secret: true)
        return key
    }

    /// - Throws: `CommandError`, which repeats nothing of the file.
    static func read(_ path: String) throws -> EncounterLogKey {
        // A path may lead to anything, so no more is taken than a key can be.
        guard let file = FileHandle(forReadingAtPath: path), let bytes = try? file.read(upToCount: 128) else {
            throw CommandError("\(path) cannot be read; name the file with the key of the sightings")
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingPrefix("\u{feff}")
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines).utf8
        let numbers = digits.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard numbers.count == 2 * EncounterLogKey.byteCount, !numbers.contains(nil),
            let key = EncounterLogKey(
                bytes: stride(from: 0, to: numbers.count, by: 2).map {
                    UInt8(truncatingIfNeeded: (numbers[$0] ?? 0) << 4 | (numbers[$0 + 1] ?? 0))
                }
            )
        else { throw CommandError("\(path) holds no key of sightings: 64 hexadecimal digits belong there") }
        return key
    }

    /// Overwrites a key and removes its file.
    static func remove(_ path: String) throws {
        do {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            try file.write(contentsOf: Data(repeating: UInt8(ascii: "0"), count: 2 * EncounterLogKey.byteCount))
            try file.synchronize()
            try file.close()
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw CommandError(
                "the sightings are erased; their key in \(path) is not: \(SystemReason.text(error)); remove the file"
            )
        }
    }
}
