internal import ExposureKeys
internal import ExposureNotification
public import FeedFormat
internal import Foundation

extension DeviceState {
    /// Reads what `bytes()` gives. Every count is held against the bytes that are left before memory is taken for it, and
    /// every value against its range, so that a store made of what was read works with it whatever it says. What was
    /// verified before it was kept is not verified again: keep the bytes where nobody can change them, or seal them.
    public init(bytes: [UInt8]) throws(FormatError) {
        guard bytes.count <= DeviceState.maximumBytes else {
            throw FormatError(.limitExceeded, "state: \(bytes.count) bytes, more than \(DeviceState.maximumBytes)")
        }
        guard bytes.starts(with: DeviceState.name) else {
            throw FormatError(.unknownFormat, "state: it does not begin as states do")
        }
        var reader = ByteReader(bytes[DeviceState.name.count...], reading: "state")
        let version = try reader.byte()
        guard (1...DeviceState.version).contains(version) else {
            throw FormatError(
                .unknownFormat,
                "state: version \(version), this program knows 1 to \(DeviceState.version)"
            )
        }
        let roster = try reader.optional { reader throws(FormatError) in try reader.roster() }
        let marks = try reader.list(atLeast: 6) { reader throws(FormatError) in try reader.mark() }
        let parts = try reader.list(atLeast: 33, atMost: 4) { reader throws(FormatError) in try reader.part() }
        let cursors = try reader.list(atLeast: 21) { reader throws(FormatError) in try reader.cursor() }
        let batches = try reader.list(atLeast: 14) { reader throws(FormatError) in try reader.batch() }
        let checkpoints = try reader.list(atLeast: 13) { reader throws(FormatError) in try reader.checkpoint() }
        let evidence = try reader.evidenceList()
        let lastSerial = try reader.number(upTo: DeviceState.maximumSerial, "serial")
        let sightings = try reader.list(atLeast: 21, atMost: Encounter.maximumHeld) { reader throws(FormatError) in
            try reader.sighting()
        }
        let matched = try reader.list(atLeast: 15) { reader throws(FormatError) in
            try reader.matched(in: batches)
        }
        let report = try reader.optional { reader throws(FormatError) in try reader.report() }
        let book = try reader.book()
        let scanTimes = version < 2 ? [] : try reader.scanTimes()
        // Version 1 kept until when keys were fetched with each node.
        let freshness =
            version < 2 ? FreshnessRecord(fetchedUntil: marks.map(\.mark.time).max()) : try reader.freshness()
        let lost = version < 2 ? LostSightings() : try reader.lost()
        try reader.expectEnd()
        try reader.expectAscending(marks) { $0.node < $1.node }
        try reader.expectAscending(cursors) { $0.feed < $1.feed }
        try reader.expectAscending(batches) { ($0.feed, $0.number) < ($1.feed, $1.number) }
        try reader.expectAscending(sightings) { $0.encounter.precedes($1.encounter) }
        try reader.expectAscending(matched) { ($0.feed, $0.number) < ($1.feed, $1.number) }
        guard sightings.allSatisfy({ (1...max(1, lastSerial)).contains($0.serial) }) else {
            throw reader.error(.outOfRange, "a sighting has a serial that was never given")
        }
        self.init(witnessSeed: book.seed)
        (self.roster, self.marks, self.parts, self.cursors) = (roster, marks, parts, cursors)
        (self.batches, self.checkpoints, self.evidence) = (batches, checkpoints, evidence)
        (self.sightings, self.lastSerial) = (sightings, lastSerial)
        // Version 1 looked for fewer reports of keys that were near: all batches are compared anew.
        self.matched = version < 2 ? [] : matched
        (self.report, self.book, self.scanTimes, self.freshness) = (report, book, scanTimes, freshness)
        self.lost = lost
    }
}

extension [HeldBatch] {
    /// How many come before the first one of which the predicate does not hold.
    fileprivate func partitionPoint(_ isBefore: (HeldBatch) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ByteReader {
    fileprivate mutating func optional<Value>(
        _ read: (inout ByteReader) throws(FormatError) -> Value
    ) throws(FormatError) -> Value? {
        switch try byte() {
        case 0: return nil
        case 1: return try read(&self)
        default: throw error(.notCanonical, "0 or 1 says whether a value is there")
        }
    }

    /// - Parameters:
    ///   - size: bytes that every element takes at least.
    ///   - limit: how many there may be.
    fileprivate mutating func list<Value>(
        atLeast size: Int,
        atMost limit: Int = .max,
        _ read: (inout ByteReader) throws(FormatError) -> Value
    ) throws(FormatError) -> [Value] {
        let count = try varint()
        guard count <= UInt64(remaining / size) else {
            throw error(.lyingLength, "\(count.counted("element")) cannot stand in \(remaining.counted("byte"))")
        }
        guard count <= UInt64(limit) else { throw error(.limitExceeded, "\(count) elements, more than \(limit)") }
        var list: [Value] = []
        list.reserveCapacity(Int(count))
        for _ in 0..<count { list.append(try read(&self)) }
        return list
    }

    fileprivate mutating func number(upTo limit: Int64, _ meaning: String) throws(FormatError) -> Int64 {
        let value = try varint()
        guard value <= UInt64(limit) else { throw error(.outOfRange, "\(meaning) \(value) is more than \(limit)") }
        return Int64(value)
    }

    fileprivate mutating func time() throws(FormatError) -> Int64 {
        try number(upTo: DeviceState.times.upperBound, "time")
    }

    fileprivate mutating func interval() throws(FormatError) -> Interval {
        Interval(UInt32(try number(upTo: Int64(UInt32.max), "interval")))
    }

    fileprivate mutating func counted(upTo limit: Int = .max) throws(FormatError) -> [UInt8] {
        let count = try varint()
        guard count <= UInt64(remaining) else {
            throw error(.lyingLength, "\(count.counted("byte")) cannot stand in \(remaining)")
        }
        guard count <= UInt64(limit) else { throw error(.limitExceeded, "\(count) bytes, more than \(limit)") }
        return Array(try take(Int(count)))
    }

    fileprivate mutating func text() throws(FormatError) -> String {
        let bytes = try counted()
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.elementsEqual(bytes) else { throw error(.outOfRange, "text is no UTF-8") }
        return text
    }

    fileprivate mutating func region() throws(FormatError) -> Region {
        guard let region = Region(ascii: try counted(upTo: Region.maximumLength)) else {
            throw error(.outOfRange, "these bytes are no region")
        }
        return region
    }

    fileprivate mutating func feed() throws(FormatError) -> FeedID {
        FeedID(region: try region(), epoch: Epoch(try uint64()))
    }

    fileprivate mutating func roster() throws(FormatError) -> HeldRoster {
        HeldRoster(
            bytes: try counted(upTo: FormatLimits.rosterBytes),
            etag: try optional { reader throws(FormatError) in try reader.text() },
            checked: try time()
        )
    }

    fileprivate mutating func mark() throws(FormatError) -> DeviceState.Mark {
        let node = try text()
        let mark = IndexMark(etag: try text(), selection: try text(), signer: try region(), time: try time())
        return DeviceState.Mark(node: node, mark: mark)
    }

    fileprivate mutating func part() throws(FormatError) -> DeviceState.Part {
        guard let hash = Hash256(bytes: try take(32)) else { throw error(.truncated, "a hash has 32 bytes") }
        return DeviceState.Part(hash: hash, bytes: try counted(upTo: FormatLimits.indexBytes))
    }

    fileprivate mutating func cursor() throws(FormatError) -> FeedCursor {
        let feed = try feed()
        let frontier = try Frontier(bytes: try counted()[...])
        let publication = try interval()
        let first = try varint()
        guard first <= frontier.size else { throw error(.outOfRange, "a cursor begins after its end") }
        return FeedCursor(feed: feed, frontier: frontier, lastPublication: publication, first: first)
    }

    fileprivate mutating func batch() throws(FormatError) -> HeldBatch {
        HeldBatch(
            feed: try feed(),
            number: UInt64(try varint(upTo: FormatLimits.batchesPerFeed, "the number of a batch")),
            publication: try interval(),
            bytes: try counted(upTo: FormatLimits.batchBytes)
        )
    }

    fileprivate mutating func checkpoint() throws(FormatError) -> DeviceState.HeldCheckpoint {
        DeviceState.HeldCheckpoint(
            feed: try feed(),
            size: UInt64(try varint(upTo: FormatLimits.batchesPerFeed, "the size of a feed")),
            note: try counted(upTo: FormatLimits.checkpointBytes)
        )
    }

    fileprivate mutating func evidenceList() throws(FormatError) -> [Evidence] {
        let kinds = Evidence.Kind.allCases
        let list = try list(atLeast: 18, atMost: kinds.count * Evidence.maximumCount) { reader throws(FormatError) in
            try reader.evidence()
        }
        guard list.reduce(0, { $0 + $1.byteCount }) <= Evidence.maximumBytes,
            kinds.allSatisfy({ kind in list.count { $0.kind == kind } <= Evidence.maximumCount })
        else { throw error(.limitExceeded, "more evidence than a store keeps") }
        return list
    }

    fileprivate mutating func evidence() throws(FormatError) -> Evidence {
        guard let kind = Evidence.Kind(rawValue: try byte()) else { throw error(.outOfRange, "no kind of evidence") }
        let feed = try feed()
        let size = try varint()
        let (held, contradicting, witness) = (try counted(), try counted(), try counted())
        return Evidence(
            kind: kind,
            feed: feed,
            size: size,
            held: held,
            contradicting: contradicting,
            node: try text(),
            found: try time(),
            witness: witness
        )
    }

    fileprivate mutating func sighting() throws(FormatError) -> DeviceState.Sighting {
        let serial = try number(upTo: DeviceState.maximumSerial, "serial")
        guard let schedule = Encounter.Schedule(rawValue: try byte()) else {
            throw error(.outOfRange, "no key schedule")
        }
        let time = try time()
        guard let identifier = ProximityIdentifier(bytes: try take(16)) else {
            throw error(.truncated, "an identifier has 16 bytes")
        }
        let strength = try strength(of: schedule)
        let encounter = Encounter(time: time, identifier: identifier, schedule: schedule, strength: strength)
        guard encounter.identifier == identifier else { throw error(.notCanonical, "twelve bytes end with zeros") }
        return DeviceState.Sighting(encounter: encounter, serial: serial)
    }

    fileprivate mutating func strength(of schedule: Encounter.Schedule) throws(FormatError) -> SignalStrength {
        let kind = try byte()
        let level = try byte()
        if kind == 0 { return .attenuation(Int(level)) }
        let rssi = Int(Int8(bitPattern: level))
        guard SignalStrength.rssis.contains(rssi) else { throw error(.outOfRange, "a received power of \(rssi) dBm") }
        switch kind {
        case 1: return .rssi(rssi)
        case 2 where schedule == .exposureNotification: return .sealed(rssi: rssi, metadata: try uint32())
        default: throw error(.outOfRange, "no kind of signal strength")
        }
    }

    fileprivate mutating func lost() throws(FormatError) -> LostSightings {
        LostSightings(count: Int(try number(upTo: DeviceState.maximumSerial, "sightings lost")), last: try interval())
    }

    fileprivate mutating func freshness() throws(FormatError) -> FreshnessRecord {
        let json = try counted()
        guard let record = try? JSONDecoder().decode(FreshnessRecord.self, from: Data(json)) else {
            throw error(.outOfRange, "how fresh the keys are is not told as this version does")
        }
        return record
    }

    fileprivate mutating func scanTimes() throws(FormatError) -> [Int64] {
        let times = try list(atLeast: 1, atMost: ScanTimes.maximumHeld) { reader throws(FormatError) in
            try reader.time()
        }
        try expectAscending(times) { $0 < $1 }
        return times
    }

    /// - Parameter batches: ascending by feed and number; what was matched is one of them.
    fileprivate mutating func matched(in batches: [HeldBatch]) throws(FormatError) -> MatchedBatch {
        let most = FormatLimits.keysPerBatch + FormatLimits.bluezoneKeysPerBatch
        let feed = try feed()
        let number = UInt64(try varint(upTo: FormatLimits.batchesPerFeed, "the number of a batch"))
        let place = batches.partitionPoint { ($0.feed, $0.number) < (feed, number) }
        guard place < batches.count, batches[place].feed == feed, batches[place].number == number else {
            throw error(.outOfRange, "batch \(number) of \(feed) was compared and is not held")
        }
        return MatchedBatch(
            feed: feed,
            number: number,
            publication: batches[place].publication,
            keys: try varint(upTo: most, "the number of keys"),
            seen: try self.number(upTo: DeviceState.maximumSerial, "serial"),
            near: try list(atLeast: 24) { reader throws(FormatError) in try reader.diagnosisKey() },
            nearBluezone: try list(atLeast: 40) { reader throws(FormatError) in try reader.bluezoneKey() }
        )
    }

    fileprivate mutating func metadata() throws(FormatError) -> KeyMetadata {
        guard let metadata = KeyMetadata(unpacking: try uint64()) else {
            throw error(.outOfRange, "these bits are no metadata of a key")
        }
        return metadata
    }

    fileprivate mutating func diagnosisKey() throws(FormatError) -> DiagnosisKey {
        let data = KeyData(high: try uint64(), low: try uint64())
        return DiagnosisKey(data: data, metadata: try metadata())
    }

    fileprivate mutating func bluezoneKey() throws(FormatError) -> BluezoneDayKey {
        let subKey = BluezoneSubKey(try uint64(), try uint64(), try uint64(), try uint64())
        guard let key = BluezoneDayKey(firstSubKey: subKey, metadata: try metadata()) else {
            throw error(.outOfRange, "the validity of a Bluezone day key is no whole day in UTC")
        }
        return key
    }

    fileprivate mutating func report() throws(FormatError) -> ExposureReport {
        let json = try counted()
        guard let report = try? JSONDecoder().decode(ExposureReport.self, from: Data(json)), report.isInRange else {
            throw error(.outOfRange, "the report is not one that this version makes")
        }
        return report
    }

    fileprivate mutating func statement() throws(FormatError) -> IndexStatement {
        IndexStatement(
            index: try counted(upTo: FormatLimits.indexBytes),
            settled: try counted(upTo: FormatLimits.indexBytes)
        )
    }

    fileprivate mutating func book() throws(FormatError) -> WitnessBook {
        let seed = try uint64()
        let asked = try time()
        let voices = try list(atLeast: 8, atMost: WitnessBook.maximumVoices) { reader throws(FormatError) in
            try reader.voice()
        }
        try expectAscending(voices) { $0.region < $1.region }
        let disputes = try list(atLeast: 9, atMost: WitnessBook.maximumDisputes) { reader throws(FormatError) in
            try reader.dispute()
        }
        return WitnessBook(seed: seed, asked: asked, voices: voices, disputes: disputes)
    }

    fileprivate mutating func voice() throws(FormatError) -> WitnessBook.Voice {
        WitnessBook.Voice(
            region: try region(),
            time: try time(),
            statement: try optional { reader throws(FormatError) in try reader.statement() },
            relay: try region(),
            barredUntil: try time()
        )
    }

    fileprivate mutating func dispute() throws(FormatError) -> WitnessBook.Dispute {
        WitnessBook.Dispute(
            witness: try region(),
            claim: try statement(),
            node: try text(),
            answer: try statement(),
            found: try time()
        )
    }

    fileprivate func expectAscending<Value>(
        _ list: [Value],
        _ precedes: (Value, Value) -> Bool
    ) throws(FormatError) {
        guard zip(list, list.dropFirst()).allSatisfy(precedes) else {
            throw error(.notAscending, "elements of a list do not ascend")
        }
    }
}

extension ExposureReport {
    /// Whether its numbers are such that nothing which shows them can overflow.
    fileprivate var isInRange: Bool {
        let numbers = days.flatMap { [$0.scoreSum, $0.maximumScore, $0.weightedDurationSum, $0.duration] }
        return DeviceState.times.contains(asOf) && encounters >= 0 && keys >= 0 && matchedKeys >= 0
            && (numbers + exposures.map(\.duration)).allSatisfy { (0...1 << 40).contains($0) }
    }
}
