import ClientSync
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import Testing
import TestSupport

/// What a store in memory holds, as bytes and back.
@Suite struct DeviceStateTests {
    /// A phone with something of everything: feeds, evidence, witnesses, sightings of each kind, a report.
    private func phone() async throws -> (phone: Phone, nodes: Nodes) {
        var nodes = try await Nodes()
        var random = SplitMix64(seed: 91)
        let keys = try Sample.keys(3, using: &random)
        try nodes.feeds[0].publish(keys, at: Interval(unixSeconds: nodes.time))
        let phone = nodes.phone(reaching: Nodes.codes)
        #expect(try await phone.storage.hold(sightings(of: keys, using: &random)) == 40)
        #expect(try await phone.storage.hold(scanTimes: (0..<20).map { nodes.time - $0 * 600 }) == 20)
        nodes.lies["VN-01"] = { feeds in feeds.compactMap { $0.id.region.code != "VN-02" ? $0 : $0.cut(to: 1) } }
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        nodes.lies = [:]
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone)
        let report = try await ExposureMatching(now: Interval(unixSeconds: nodes.time)).run(over: phone.storage)
        try await phone.storage.hold(report)
        return (phone, nodes)
    }

    private func sightings(of keys: [DiagnosisKey], using random: inout SplitMix64) -> [Encounter] {
        var sightings: [Encounter] = []
        for (position, key) in keys.enumerated() {
            for minute in 0..<10 {
                let time = key.metadata.rollingStart.unixSeconds + Int64(minute) * 60
                let strength: SignalStrength =
                    switch position {
                    case 0: .attenuation(255)
                    case 1: .rssi(-127)
                    default: .sealed(rssi: 20, metadata: UInt32(truncatingIfNeeded: random.next()))
                    }
                let rolling = RollingProximityKey(key: key.data)
                let identifier = rolling.identifier(at: Interval(unixSeconds: time))
                sightings.append(Encounter(time: time, identifier: identifier, strength: strength))
            }
        }
        for _ in 0..<10 {
            let identifier = ProximityIdentifier(high: random.next(), low: random.next())
            sightings.append(
                Encounter(time: Sample.now, identifier: identifier, schedule: .bluezone, strength: .attenuation(0))
            )
        }
        return sightings
    }

    private func state(of phone: Phone) async throws -> DeviceState {
        try await #require(phone.storage as? MemoryDeviceStorage).state()
    }

    @Test func aStateComesBackAsItWas() async throws {
        let (phone, _) = try await phone()
        // What the test is about is there.
        #expect(try await !phone.storage.evidence().isEmpty)
        #expect(try await !phone.storage.witnessBook().voices.isEmpty)
        #expect(try await phone.storage.report()?.days.isEmpty == false)
        #expect(try await phone.storage.matchedBatches().contains { !$0.near.isEmpty })
        let state = try await state(of: phone)
        let bytes = try state.bytes()
        let read = try DeviceState(bytes: bytes)
        #expect(read == state)
        #expect(try read.bytes() == bytes)
        #expect(await MemoryDeviceStorage(read).state() == state)
        let empty = await MemoryDeviceStorage(witnessSeed: 7).state()
        #expect(try DeviceState(bytes: try empty.bytes()) == empty)
        #expect(empty != state)
    }

    /// A phone that was saved and loaded does from then on what one does that never was.
    @Test func aPhoneGoesOnFromIt() async throws {
        var (phone, nodes) = try await phone()
        let storage = MemoryDeviceStorage(try DeviceState(bytes: try await state(of: phone).bytes()))
        var other = Phone(nodes.country, storage: storage, witnesses: phone.options.witnesses)
        other.others = phone.others
        #expect(try await nodes.sync(other).notModified, "the mark of the node's index is kept")
        #expect(try await nodes.sync(phone).notModified)
        try await nodes.pass(hours: 2)
        let reports = [try await nodes.sync(phone), try await nodes.sync(other)]
        #expect(reports[0].batches == reports[1].batches && reports[0].batches > 0)
        #expect(reports[0].requests == reports[1].requests)
        #expect(try await state(of: phone) == state(of: other))
        let matching = ExposureMatching(now: Interval(unixSeconds: nodes.time))
        #expect(try await matching.run(over: phone.storage) == matching.run(over: other.storage))
    }

    @Test func noPartOfAStateIsTakenForAWholeOne() async throws {
        let bytes = try await state(of: phone().phone).bytes()
        for count in 0..<bytes.count {
            #expect(throws: FormatError.self, "\(count) bytes") { try DeviceState(bytes: Array(bytes.prefix(count))) }
        }
        #expect(throws: FormatError(.trailingBytes, "")) { try DeviceState(bytes: bytes + [0]) }
        #expect(throws: FormatError(.unknownFormat, "")) { try DeviceState(bytes: Array("KTSTATE\u{0}".utf8)) }
        #expect(throws: FormatError(.unknownFormat, "")) { try DeviceState(bytes: Array("KTSTATE\u{7f}".utf8)) }
    }

    /// What a version before this one kept is read: it knew no times of scans, and how fresh keys are by marks only.
    @Test func aStateOfVersion1IsRead() async throws {
        let phone = try await phone().phone
        let storage = try #require(phone.storage as? MemoryDeviceStorage)
        #expect(await !storage.scanTimes().isEmpty)
        await storage.dropEncounters(before: Interval(.max))
        var former = try await storage.state().bytes()
        former[7] = 1
        let json = try JSONEncoder().encode(await storage.freshness()).count
        #expect(json < 128)
        // No times of scans, how fresh the keys are, and that no sighting was lost.
        former.removeLast(1 + 1 + json + 2)
        let read = MemoryDeviceStorage(try DeviceState(bytes: former))
        #expect(await read.freshness().fetchedUntil == storage.freshness().fetchedUntil)
        let (before, after) = (await storage.state(), await read.state())
        #expect(await read.cursors() == storage.cursors())
        #expect(await read.evidence() == storage.evidence())
        #expect(await read.report() == storage.report())
        #expect(before != after)
        // It looked for fewer reports of keys that were near: everything is compared anew.
        #expect(await read.matchedBatches().isEmpty)
        let states = await read.matchStates()
        #expect(!states.isEmpty && states.allSatisfy { $0.seen == nil })
        #expect(throws: FormatError(.trailingBytes, "")) { try DeviceState(bytes: former + [0]) }
    }

    /// A count is held against the bytes that are there before anything is made of it.
    @Test func countsThatLieAreRefused() throws {
        let header = Array("KTSTATE\u{1}".utf8)
        let huge: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
        for empty in 0..<6 {
            let bytes = header + [UInt8](repeating: 0, count: 1 + empty) + huge
            #expect(throws: FormatError(.lyingLength, ""), "list \(empty)") { try DeviceState(bytes: bytes) }
        }
        #expect(throws: FormatError(.lyingLength, "")) { try DeviceState(bytes: header + [1] + huge) }
    }

    /// Altered bytes are refused, or read as a state that comes back and with which a phone works: it may be wrong, and
    /// traps nowhere.
    @Test(arguments: 0..<4) func alteredBytesAreNoDanger(seed: UInt64) async throws {
        let (phone, nodes) = try await phone()
        let bytes = try await state(of: phone).bytes()
        var random = SplitMix64(seed: seed)
        var accepted = 0
        for round in 0..<400 {
            let altered = alter(bytes, using: &random)
            do {
                let state = try DeviceState(bytes: altered)
                accepted += 1
                #expect(try DeviceState(bytes: try state.bytes()) == state, "seed \(seed), round \(round)")
                guard accepted < 100 else { continue }
                let storage = MemoryDeviceStorage(state)
                if let report = await storage.report() {
                    for language in ExposureExplanation.Language.allCases {
                        #expect(!ExposureExplanation(report, language: language).text.isEmpty)
                    }
                }
                _ = try? await ExposureMatching(now: Interval(unixSeconds: nodes.time)).run(over: storage)
                var other = Phone(nodes.country, storage: storage, witnesses: phone.options.witnesses)
                other.others = phone.others
                _ = try? await nodes.sync(other)
            } catch is FormatError {}
        }
        #expect(accepted > 0 && accepted < 400, "seed \(seed)")
    }

    private func alter(_ bytes: [UInt8], using random: inout SplitMix64) -> [UInt8] {
        var altered = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let position = Int.random(in: 0..<altered.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: altered[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: altered[position] = .random(in: .min ... .max, using: &random)
            case 2: altered.remove(at: position)
            case 3: altered.insert(.random(in: .min ... .max, using: &random), at: position)
            default:
                let end = min(altered.count, position + 8)
                for place in position..<end { altered[place] = 0xff }
            }
        }
        return altered
    }
}
