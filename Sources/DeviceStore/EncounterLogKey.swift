internal import Crypto

/// The key under which a phone seals its log of sightings: 32 random bytes.
///
/// An app keeps it in the system's keystore, apart from the file. Losing it costs the sightings, which exist nowhere
/// else: nobody can read them then, and only erasing them helps. No description and no mirror shows it.
public struct EncounterLogKey: Sendable {
    public static let byteCount = 32

    let secret: SymmetricKey

    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == EncounterLogKey.byteCount else { return nil }
        secret = SymmetricKey(data: [UInt8](bytes))
    }

    private init(secret: SymmetricKey) {
        self.secret = secret
    }

    /// A new key, from the system's randomness.
    public static func random() -> EncounterLogKey { EncounterLogKey(secret: SymmetricKey(size: .bits256)) }

    /// The 32 bytes, for whoever keeps them.
    public var bytes: [UInt8] { secret.withUnsafeBytes { [UInt8]($0) } }
}

extension EncounterLogKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "EncounterLogKey" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
