internal import ClientSync
internal import Crypto
internal import ExposureKeys
internal import ExposureNotification
internal import Foundation

/// Seals sightings and opens them: ChaCha20-Poly1305 with a random nonce for each, under a key that HKDF-SHA256 derives
/// from the log's key and the store's salt. A second derived key makes the tags by which duplicates are known.
///
/// All sealed sightings have the same length, so that only their interval and their number show.
struct EncounterSealing: Sendable {
    /// 32 bytes, of one store and of one life of its log.
    let salt: [UInt8]
    private let key: EncounterLogKey
    let sealingKey: SymmetricKey
    private let taggingKey: SymmetricKey

    init(key: EncounterLogKey, salt: [UInt8]) {
        self.key = key
        self.salt = salt
        func derive(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key.secret,
                salt: salt,
                info: Array("keytide encounter log 1 \(purpose)".utf8),
                outputByteCount: 32
            )
        }
        sealingKey = derive("seal")
        taggingKey = derive("tag")
    }

    /// With a new salt.
    init(key: EncounterLogKey) {
        self.init(key: key, salt: EncounterLogKey.random().bytes)
    }

    /// For a log that begins anew under the same key.
    func renewed() -> EncounterSealing { EncounterSealing(key: key) }

    /// What shows later that a key is the right one.
    func checkValue() throws -> Data {
        try ChaChaPoly.seal(EncounterSealing.checked, using: sealingKey, authenticating: salt).combined
    }

    func accepts(_ checkValue: Data) -> Bool {
        guard let box = try? ChaChaPoly.SealedBox(combined: checkValue),
            let opened = try? ChaChaPoly.open(box, using: sealingKey, authenticating: salt)
        else { return false }
        return opened == EncounterSealing.checked
    }

    /// Equal for equal sightings, whatever their strength; without the key it says nothing. 16 bytes.
    func tag(of encounter: Encounter) -> Data {
        var input = EncounterSealing.bigEndian(encounter.time)
        input += encounter.identifier.bytes
        input.append(encounter.schedule.rawValue)
        return Data(HMAC<SHA256>.authenticationCode(for: input, using: taggingKey).prefix(16))
    }

    /// - Returns: `sealedLength` bytes, which open with the same tag and interval only.
    func seal(_ encounter: Encounter, tag: Data) throws -> Data {
        try ChaChaPoly.seal(
            EncounterSealing.plain(encounter),
            using: sealingKey,
            authenticating: EncounterSealing.bound(tag, to: encounter.interval)
        ).combined
    }

    /// - Returns: nil if bytes, tag or interval are not what was sealed together.
    func open(_ sealed: Data, tag: Data, interval: Interval) -> Encounter? {
        guard let box = try? ChaChaPoly.SealedBox(combined: sealed),
            let plain = try? ChaChaPoly.open(
                box,
                using: sealingKey,
                authenticating: EncounterSealing.bound(tag, to: interval)
            )
        else { return nil }
        return EncounterSealing.encounter([UInt8](plain))
    }

    /// Nonce, content and authentication: 12, 31 and 16 bytes.
    static let sealedLength = 12 + plainLength + 16

    private static let plainLength = 31
    private static let checked = Data("keytide encounter log".utf8)

    private static func bound(_ tag: Data, to interval: Interval) -> [UInt8] { bigEndian(interval.number) + tag }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) }
    }

    /// One byte of schedule and kind of strength, eight of time, sixteen of identifier, two of decibels, four of
    /// metadata.
    private static func plain(_ encounter: Encounter) -> [UInt8] {
        let kind: UInt8
        let level: Int
        var metadata: UInt32 = 0
        switch encounter.strength {
        case .attenuation(let value): (kind, level) = (0, value)
        case .rssi(let value): (kind, level) = (1, value)
        case .sealed(let value, let bytes): (kind, level, metadata) = (2, value, bytes)
        }
        return [encounter.schedule.rawValue << 4 | kind] + bigEndian(encounter.time) + encounter.identifier.bytes
            + bigEndian(Int16(clamping: level)) + bigEndian(metadata)
    }

    private static func encounter(_ plain: [UInt8]) -> Encounter? {
        guard plain.count == plainLength, let schedule = Encounter.Schedule(rawValue: plain[0] >> 4),
            let identifier = ProximityIdentifier(bytes: plain[9..<25])
        else { return nil }
        func number<Number: FixedWidthInteger>(_ range: Range<Int>) -> Number {
            plain[range].reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
        let level = Int(number(25..<27) as Int16)
        let strength: SignalStrength
        switch plain[0] & 15 {
        case 0: strength = .attenuation(level)
        case 1: strength = .rssi(level)
        case 2: strength = .sealed(rssi: level, metadata: number(27..<31))
        default: return nil
        }
        return Encounter(time: number(1..<9), identifier: identifier, schedule: schedule, strength: strength)
    }
}
