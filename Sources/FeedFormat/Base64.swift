internal import Foundation

/// Standard base64 with padding (RFC 4648, section 4), in its one canonical form.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    /// - Returns: nil if the text is not exactly what `encode` would give.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard let data = Data(base64Encoded: String(text)), data.base64EncodedString() == String(text) else {
            return nil
        }
        return [UInt8](data)
    }
}
