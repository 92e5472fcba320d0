import Crypto
public import ExposureKeys

/// What a phone broadcasts beside its identifier: the protocol's version and its transmitting power, from which a
/// receiver works out the attenuation. Four bytes, broadcast encrypted.
public struct AssociatedMetadata: Hashable, Sendable {
    /// Bits 7 and 6 the major version (1), bits 5 and 4 the minor one, bits 3 and 2 how sure the power is (from 1.1).
    public var version: UInt8
    /// dBm.
    public var transmitPower: Int8
    /// Bytes 2 and 3; zero so far.
    public var reserved: UInt16

    /// Version 1.0.
    public static let version1: UInt8 = 0x40

    public init(version: UInt8 = AssociatedMetadata.version1, transmitPower: Int8, reserved: UInt16 = 0) {
        self.version = version
        self.transmitPower = transmitPower
        self.reserved = reserved
    }

    /// - Parameter packed: the four bytes, the first one highest.
    public init(packed: UInt32) {
        version = UInt8(truncatingIfNeeded: packed >> 24)
        transmitPower = Int8(truncatingIfNeeded: packed >> 16)
        reserved = UInt16(truncatingIfNeeded: packed)
    }

    /// The four bytes, the first one highest.
    public var packed: UInt32 {
        UInt32(version) << 24 | UInt32(UInt8(bitPattern: transmitPower)) << 16 | UInt32(reserved)
    }

    public var majorVersion: Int { Int(version >> 6) }
    public var minorVersion: Int { Int(version >> 4 & 3) }
}

/// The key that hides the metadata broadcast under one temporary exposure key (AEMK).
///
/// AEMK = HKDF-SHA256(exposure key, no salt, "EN-AEMK", 16 bytes); AES-128 in counter mode, the first counter block
/// being the identifier that is broadcast with it. Source: Exposure Notification Cryptography Specification 1.2.
public struct AssociatedMetadataKey: Sendable {
    private let key: SymmetricKey

    public init(key: KeyData) {
        self.key = ExposureKeyDerivation.derive(ExposureKeyDerivation.associatedMetadata, from: key)
    }

    /// - Returns: the four bytes as broadcast, the first one highest.
    public func encrypt(_ metadata: AssociatedMetadata, broadcastWith identifier: ProximityIdentifier) -> UInt32 {
        metadata.packed ^ keystream(identifier)
    }

    /// Anything decrypts: the metadata carry no proof, so judge them by their version.
    /// - Parameter broadcast: the four bytes as received, the first one highest.
    public func decrypt(_ broadcast: UInt32, receivedWith identifier: ProximityIdentifier) -> AssociatedMetadata {
        AssociatedMetadata(packed: broadcast ^ keystream(identifier))
    }

    /// Four bytes of a counter mode that never reaches its second block.
    private func keystream(_ identifier: ProximityIdentifier) -> UInt32 {
        let block = Block.identifier(Block.encrypt(identifier.bytes, under: key), at: 0)
        return UInt32(truncatingIfNeeded: block.high >> 32)
    }
}
