public import ExposureKeys

/// What a region publishes together, as the bytes that everybody stores and relays, with its header read.
///
/// Immutable: `bytes` are those of the region, whatever sections they hold. Layout: docs/FEED-FORMAT.md, "Batch".
public struct Batch: Sendable {
    /// The whole batch, at most 8 MiB.
    public let bytes: [UInt8]
    /// Position in the feed, from 0.
    public let number: UInt64
    /// When the region published it; everything about its life follows from this.
    public let publication: Interval
    /// All sections, kinds strictly ascending.
    public let sections: [BatchSection]

    /// Reads header and section boundaries; payloads stay as they are until asked for.
    /// - Throws: `FormatError` for anything but exactly one batch.
    public init(_ bytes: [UInt8]) throws(FormatError) {
        let total = try Batch.size(atStartOf: bytes[...])
        guard total == bytes.count else {
            throw FormatError(.trailingBytes, "batch: \((bytes.count - total).counted("byte")) behind its end")
        }
        var reader = ByteReader(bytes[Batch.preambleSize...], reading: "batch")
        publication = Interval(try reader.uint32())
        number = UInt64(try reader.varint(upTo: FormatLimits.batchesPerFeed - 1, "the batch's number"))
        let count = try reader.varint(upTo: FormatLimits.sections, "the number of sections")
        var sections: [BatchSection] = []
        for _ in 0..<count {
            let section = try BatchSection(from: &reader)
            if let last = sections.last, section.kind <= last.kind {
                throw reader.error(.notAscending, "section \(section.kind.number) follows section \(last.kind.number)")
            }
            sections.append(section)
        }
        try reader.expectEnd()
        self.sections = sections
        self.bytes = bytes
    }

    /// Encodes a batch.
    /// - Parameters:
    ///   - keys: in any order; reports of one identity are joined. At most 2^18 in 2^16 groups, each ending in
    ///     (P - 15 d, P].
    ///   - bluezone: the same, at most 2^17.
    ///   - predecessors: living epochs before this one, in any order, at most 32 and no two alike; only with number 0.
    /// - Throws: `FormatError` if a key lies outside the window or a limit is exceeded.
    public init(
        number: UInt64,
        publication: Interval,
        keys: [DiagnosisKey],
        bluezone: [BluezoneDayKey] = [],
        predecessors: [Epoch] = []
    ) throws(FormatError) {
        try Batch.checkWindow(of: keys, publication: publication)
        try Batch.checkWindow(of: bluezone, publication: publication)
        let bytes = try Batch.encode(
            number: number,
            publication: publication,
            keys: RegionKeys(joining: keys, publishedAt: publication).keys,
            bluezone: BluezoneRegionKeys(joining: bluezone, publishedAt: publication).keys,
            predecessors: predecessors
        )
        try self.init(bytes)
    }

    /// The bytes of a batch of exactly these keys, outside the window as well: for measuring a publisher's archive whole.
    /// - Parameters:
    ///   - keys: in any order, no two alike.
    ///   - bluezone: in any order, no two alike.
    package static func encode(
        number: UInt64,
        publication: Interval,
        keys: [DiagnosisKey],
        bluezone: [BluezoneDayKey] = [],
        predecessors: [Epoch] = []
    ) throws(FormatError) -> [UInt8] {
        guard predecessors.isEmpty || number == 0 else {
            throw FormatError(.wrongPosition, "batch \(number) cannot name predecessors, only batch 0 may")
        }
        guard keys.count <= FormatLimits.keysPerBatch else {
            throw FormatError(
                .limitExceeded,
                "\(keys.count.counted("key")) exceed the \(FormatLimits.keysPerBatch) of a batch"
            )
        }
        guard bluezone.count <= FormatLimits.bluezoneKeysPerBatch else {
            throw FormatError(
                .limitExceeded,
                "\(bluezone.count) Bluezone day keys exceed the \(FormatLimits.bluezoneKeysPerBatch) of a batch"
            )
        }
        var body: [UInt8] = []
        body.append(bigEndian: publication.number)
        body.append(varint: number)
        let sections = [predecessors.isEmpty, keys.isEmpty, bluezone.isEmpty].filter { !$0 }
        body.append(varint: UInt64(sections.count))
        if !predecessors.isEmpty {
            BatchSection.write(.predecessors, try Batch.encode(predecessors: predecessors), to: &body)
        }
        if !keys.isEmpty {
            BatchSection.write(.diagnosisKeys, try KeysSection.encode(keys.inBatchOrder), to: &body)
        }
        if !bluezone.isEmpty {
            let ordered = bluezone.sorted(by: BluezoneDayKey.precedesInBatch)
            BatchSection.write(.bluezoneDayKeys, try BluezoneKeysSection.encode(ordered), to: &body)
        }
        var bytes = magic
        bytes.append(bigEndian: UInt32(body.count))
        bytes.append(contentsOf: body)
        return bytes
    }

    /// The diagnosis keys, in batch order. Call only after the batch is verified against a checkpoint.
    public func keys(_ decoder: BlockDecoder = .liblz4) throws(FormatError) -> [DiagnosisKey] {
        guard let section = sections.first(where: { $0.kind == .diagnosisKeys }) else { return [] }
        let keys = try KeysSection.decode(section.payload(decoder))
        try Batch.checkWindow(of: keys, publication: publication)
        return keys
    }

    /// The Bluezone day keys, in batch order. Call only after the batch is verified against a checkpoint.
    public func bluezoneKeys(_ decoder: BlockDecoder = .liblz4) throws(FormatError) -> [BluezoneDayKey] {
        guard let section = sections.first(where: { $0.kind == .bluezoneDayKeys }) else { return [] }
        let keys = try BluezoneKeysSection.decode(section.payload(decoder))
        try Batch.checkWindow(of: keys, publication: publication)
        return keys
    }

    /// The region's earlier epochs that were alive when this one began. Empty in all batches but number 0.
    public func predecessors(_ decoder: BlockDecoder = .liblz4) throws(FormatError) -> [Epoch] {
        guard let section = sections.first(where: { $0.kind == .predecessors }) else { return [] }
        guard number == 0 else {
            throw FormatError(.wrongPosition, "batch \(number) names predecessors, which only batch 0 may")
        }
        let payload = try section.payload(decoder)
        guard payload.count % 8 == 0, (1...FormatLimits.epochsPerRegion).contains(payload.count / 8) else {
            throw FormatError(.lyingLength, "predecessors take \(payload.count.counted("byte"))")
        }
        var reader = ByteReader(payload, reading: "predecessors")
        var epochs: [Epoch] = []
        while reader.remaining > 0 {
            let epoch = Epoch(try reader.uint64())
            if let last = epochs.last, epoch <= last { throw reader.error(.notAscending, "epochs do not ascend") }
            epochs.append(epoch)
        }
        return epochs
    }

    /// Hash of this batch as a leaf of its feed's Merkle tree.
    public var leafHash: Hash256 { Hash256(leaf: bytes[...]) }

    /// Length of the batch that begins these bytes, from its first eight bytes alone.
    /// - Throws: `FormatError` if they do not begin a batch or it does not fit in them.
    public static func size(atStartOf bytes: ArraySlice<UInt8>) throws(FormatError) -> Int {
        var reader = ByteReader(bytes, reading: "batch")
        guard try reader.take(4).elementsEqual(magic) else {
            throw reader.error(.unknownFormat, "these bytes do not begin with the mark of a batch, KTB1")
        }
        let length = try reader.uint32()
        guard length <= FormatLimits.batchBytes - preambleSize else {
            throw reader.error(
                .limitExceeded,
                "a batch of \(length.counted("byte")), more than \(FormatLimits.batchBytes)"
            )
        }
        guard Int(length) <= reader.remaining else {
            throw reader.error(.lyingLength, "the batch claims \(length.counted("byte")), \(reader.remaining) are left")
        }
        return preambleSize + Int(length)
    }

    private static func encode(predecessors: [Epoch]) throws(FormatError) -> [UInt8] {
        guard predecessors.count <= FormatLimits.epochsPerRegion else {
            throw FormatError(
                .limitExceeded,
                "\(predecessors.count) predecessors exceed the \(FormatLimits.epochsPerRegion) of a region"
            )
        }
        let sorted = predecessors.sorted()
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw FormatError(.notAscending, "an epoch is named twice among the predecessors")
        }
        var bytes: [UInt8] = []
        for epoch in sorted { bytes.append(bigEndian: epoch.value) }
        return bytes
    }

    private static func checkWindow(of keys: [some PublishedKey], publication: Interval) throws(FormatError) {
        var last: KeyMetadata?
        for key in keys where key.metadata != last {
            last = key.metadata
            guard Expiry.mayCarry(keyEnding: key.metadata.end, publishedAt: publication) else {
                throw FormatError(
                    .keyOutsideWindow,
                    "a key ends at interval \(key.metadata.end), outside the 15 days up to publication at \(publication)"
                )
            }
        }
    }

    static let magic: [UInt8] = Array("KTB1".utf8)
    static let preambleSize = 8
}
