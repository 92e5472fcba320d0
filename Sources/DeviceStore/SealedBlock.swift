internal import Crypto
internal import Foundation

/// Sealing of anything that is no single sighting, with its length hidden.
extension EncounterSealing {
    /// - Parameters:
    ///   - plain: at most 2^32 - 1 bytes.
    ///   - bound: what the block belongs to: it opens with the same only.
    ///   - multiple: the sealed length tells the content's up to so many bytes.
    func seal(block plain: [UInt8], bound: [UInt8], multiple: Int) throws -> Data {
        var padded = withUnsafeBytes(of: UInt32(plain.count).bigEndian) { Array($0) } + plain
        let rest = padded.count % multiple
        if rest > 0 { padded += [UInt8](repeating: 0, count: multiple - rest) }
        return try ChaChaPoly.seal(padded, using: sealingKey, authenticating: EncounterSealing.block + bound).combined
    }

    /// - Returns: nil if it is not what was sealed with `bound`.
    func open(block sealed: Data, bound: [UInt8]) -> [UInt8]? {
        guard let box = try? ChaChaPoly.SealedBox(combined: sealed),
            let opened = try? ChaChaPoly.open(box, using: sealingKey, authenticating: EncounterSealing.block + bound),
            opened.count >= 4
        else { return nil }
        let padded = [UInt8](opened)
        let count = padded[..<4].reduce(0) { $0 << 8 | Int($1) }
        return count <= padded.count - 4 ? Array(padded[4..<4 + count]) : nil
    }

    /// Keeps blocks and sightings apart, which share a key.
    private static let block = Array("block ".utf8)
}
