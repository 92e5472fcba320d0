import Crypto
public import ExposureKeys

/// The secret of a Bluezone phone for a day and all days after it. It never leaves the phone.
///
/// Daily key 0 is the phone's base id, 32 random bytes; each further one is the SHA-256 of the one before. Whoever has
/// one can therefore follow the phone from that day on. What a region publishes of a day is `firstSubKey`: the same 96
/// identifiers follow from it, and neither this key nor any other day. The other way round leads nowhere: daily keys are
/// made from a base id or from the daily key before, and what this one is made of cannot be read back.
public struct BluezoneDailyKey: Equatable, Sendable {
    private let bytes: [UInt8]

    /// Daily key 0.
    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(baseID: some Collection<UInt8>) {
        guard baseID.count == 32 else { return nil }
        bytes = Array(baseID)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The key of the next day.
    public var next: BluezoneDailyKey { BluezoneDailyKey(bytes: Array(SHA256.hash(data: bytes))) }

    /// The day's first sub-key: SHA-256 over this key and `bluzonesubkey` in ASCII, spelled so.
    public var firstSubKey: BluezoneSubKey { BluezoneSubKey(SHA256.hash(data: bytes + BluezoneDailyKey.label)) }

    private static let label = Array("bluzonesubkey".utf8)
}

/// Neither a log line nor a debugger's dump shows the key.
extension BluezoneDailyKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "BluezoneDailyKey" }
    public var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
