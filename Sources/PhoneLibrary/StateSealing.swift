internal import ExposureKeys
internal import CKeytide
internal import ClientSync
internal import Crypto
internal import FeedFormat
internal import Foundation

/// Seals a state and opens it: ChaCha20-Poly1305 with a random nonce, bound to the form's name. What is sealed is filled
/// up to a multiple of 4 KiB, so that its length does not count the sightings.
///
/// The form: nonce, 12 bytes; sealed u32 with the content's length, content and zeros; authentication, 16 bytes.
struct StateSealing {
    static let keyBytes = 32
    /// A state, with what it is filled up with.
    static let maximumBytes = DeviceState.maximumBytes + 2 * multiple

    private let key: SymmetricKey

    /// - Parameter key: 32 bytes.
    init(key: UnsafeRawBufferPointer) {
        self.key = unsafe SymmetricKey(data: key)
    }

    func seal(_ plain: [UInt8]) throws -> [UInt8] {
        guard plain.count <= DeviceState.maximumBytes else {
            throw PhoneFailure(KEYTIDE_TOO_MANY, "the state takes \(plain.count.counted("byte")); follow fewer regions")
        }
        var padded: [UInt8] = []
        padded.reserveCapacity(plain.count + StateSealing.multiple)
        padded.append(bigEndian: UInt32(plain.count))
        padded += plain
        let rest = padded.count % StateSealing.multiple
        if rest > 0 { padded += [UInt8](repeating: 0, count: StateSealing.multiple - rest) }
        return Array(try ChaChaPoly.seal(padded, using: key, authenticating: StateSealing.name).combined)
    }

    /// - Returns: nil if it is not what was sealed under this key.
    func open(_ sealed: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let box = try? ChaChaPoly.SealedBox(combined: unsafe Data(sealed)),
            let opened = try? ChaChaPoly.open(box, using: key, authenticating: StateSealing.name), opened.count >= 4
        else { return nil }
        let padded = [UInt8](opened)
        let count = padded[..<4].reduce(0) { $0 << 8 | Int($1) }
        return count <= padded.count - 4 ? Array(padded[4..<4 + count]) : nil
    }

    private static let multiple = 4096
    private static let name = Array("keytide phone state 1".utf8)
}
