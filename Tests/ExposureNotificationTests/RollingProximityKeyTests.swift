import ExposureKeys
import ExposureNotification
import Foundation
import Testing
import TestSupport

struct RollingProximityKeyTests {
    /// The published test vectors of specification 1.2: one exposure key, a day from interval 2,642,976.
    static let exposureKey = KeyData(high: 0x75c7_34c6_dd1a_782d, low: 0xe7a9_65da_5eb9_3125)
    static let start = Interval(2_642_976)
    static let published: [(offset: Int64, identifier: ProximityIdentifier, metadata: UInt32)] = [
        (0, ProximityIdentifier(high: 0x8be6_cd37_1c5c_8916, low: 0x04bf_be49_df84_5096), 0x7203_3874),
        (1, ProximityIdentifier(high: 0x3c9a_1de5_dd6b_02af, low: 0xa7fd_ed7b_570b_3e56), 0xc292_11b1),
        (71, ProximityIdentifier(high: 0x416f_fc7a_32fc_fda9, low: 0xa316_d017_90e3_1945), 0xc122_ad68),
        (143, ProximityIdentifier(high: 0xf431_b62e_cf44_3102, low: 0xce4e_d040_7de5_4bd4), 0x1215_e57e),
    ]
    static let metadata = AssociatedMetadata(transmitPower: 8)

    @Test func identifiersAreThePublishedOnes() {
        let key = RollingProximityKey(key: Self.exposureKey)
        let day = key.identifiers(in: Self.start..<Self.start.advanced(by: 144))
        #expect(day.count == 144)
        for (offset, identifier, _) in Self.published {
            #expect(key.identifier(at: Self.start.advanced(by: offset)) == identifier)
            #expect(day[Int(offset)] == identifier)
        }
    }

    @Test func metadataAreThePublishedOnes() {
        let key = AssociatedMetadataKey(key: Self.exposureKey)
        #expect(Self.metadata.packed == 0x4008_0000)
        for (_, identifier, broadcast) in Self.published {
            #expect(key.encrypt(Self.metadata, broadcastWith: identifier) == broadcast)
            #expect(key.decrypt(broadcast, receivedWith: identifier) == Self.metadata)
        }
    }

    private struct Vectors: Decodable {
        struct Line: Decodable {
            let enin: UInt32
            let rpi: String
            let aem: String
        }
        let intervals: [Line]
    }

    static let vectors = ProcessInfo.processInfo.environment["KEYTIDE_VECTORS"]

    @Test(.enabled(if: vectors != nil, "set KEYTIDE_VECTORS to the directory with the published vectors"))
    func allPublishedVectorsHold() throws {
        let file = URL(fileURLWithPath: "\(Self.vectors ?? ".")/exposure-notification-crypto.json")
        let lines = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).intervals
        #expect(lines.count == 144)
        let proximity = RollingProximityKey(key: Self.exposureKey)
        let associated = AssociatedMetadataKey(key: Self.exposureKey)
        let together = proximity.identifiers(at: lines.map { Interval($0.enin) })
        for (line, identifier) in zip(lines, together) {
            #expect(identifier.bytes.map { String(format: "%02x", $0) }.joined() == line.rpi)
            #expect(proximity.identifier(at: Interval(line.enin)) == identifier)
            #expect(associated.encrypt(Self.metadata, broadcastWith: identifier) == UInt32(line.aem, radix: 16))
        }
    }

    @Test func manyAtOnceAreTheSameAsOneByOne() {
        var random = SplitMix64(seed: 3)
        for count in [0, 1, 2, 5, 40, 145] {
            let key = RollingProximityKey(key: KeyData(high: random.next(), low: random.next()))
            let intervals = (0..<count).map { _ in Interval(UInt32.random(in: 0 ... .max, using: &random)) }
            #expect(key.identifiers(at: intervals) == intervals.map { key.identifier(at: $0) })
        }
        let key = RollingProximityKey(key: Self.exposureKey)
        #expect(key.identifiers(in: Interval(.max).advanced(by: -3)..<Interval(.max)).count == 3)
        #expect(key.identifiers(in: Self.start..<Self.start).isEmpty)
    }

    @Test func metadataSurviveEncryption() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<200 {
            let metadata = AssociatedMetadata(packed: UInt32(truncatingIfNeeded: random.next()))
            #expect(AssociatedMetadata(packed: metadata.packed) == metadata)
            let key = AssociatedMetadataKey(key: KeyData(high: random.next(), low: random.next()))
            let identifier = ProximityIdentifier(high: random.next(), low: random.next())
            #expect(key.decrypt(key.encrypt(metadata, broadcastWith: identifier), receivedWith: identifier) == metadata)
        }
        let metadata = AssociatedMetadata(version: 0x5c, transmitPower: -20)
        #expect(metadata.majorVersion == 1 && metadata.minorVersion == 1 && metadata.packed == 0x5cec_0000)
    }

    @Test func identifiersCompareAsTheirBytes() throws {
        var random = SplitMix64(seed: 5)
        for _ in 0..<500 {
            let one = ProximityIdentifier(high: UInt64.random(in: 0...2, using: &random), low: random.next())
            let other = ProximityIdentifier(high: UInt64.random(in: 0...2, using: &random), low: random.next())
            #expect((one < other) == one.bytes.lexicographicallyPrecedes(other.bytes))
            #expect(ProximityIdentifier(bytes: one.bytes) == one)
        }
        #expect(ProximityIdentifier(bytes: [UInt8](repeating: 0, count: 15)) == nil)
        #expect(ProximityIdentifier(bytes: [UInt8](repeating: 0, count: 17)) == nil)
    }

    @Test(arguments: [25, 144])
    func speed(identifiersPerKey: Int) {
        var random = SplitMix64(seed: 6)
        let keys = (0..<4000).map { _ in KeyData(high: random.next(), low: random.next()) }
        let intervals = (0..<identifiersPerKey).map { Interval(2_642_976 + UInt32($0)) }
        let clock = ContinuousClock()
        var best = Duration.seconds(60)
        var sum: UInt64 = 0
        for _ in 0..<5 {
            let start = clock.now
            for key in keys {
                sum &+= RollingProximityKey(key: key).identifiers(at: intervals).reduce(0) { $0 &+ $1.low }
            }
            best = min(best, clock.now - start)
        }
        print(
            "key schedule, \(identifiersPerKey) identifiers a key: \(Int(4000 / (best / .seconds(1)))) keys/s (\(sum))"
        )
        // A key schedule for every block would take ten times as long as one core here does.
        #expect(best < .seconds(2))
    }
}
