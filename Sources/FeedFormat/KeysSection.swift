package import ExposureKeys

/// The payload of a batch's section of diagnosis keys: a columnar table of groups, then the sorted keys of each group
/// with the gaps between their high halves Golomb-Rice coded. Every byte: docs/FEED-FORMAT.md, "Diagnosis keys".
package enum KeysSection {
    /// - Parameter keys: strictly ascending by `DiagnosisKey.precedesInBatch`, at least one.
    /// - Throws: `.limitExceeded` if they form more than 2^16 groups.
    package static func encode(_ keys: [DiagnosisKey]) throws(FormatError) -> [UInt8] {
        let groups = KeyGroup.groups(of: keys)
        guard groups.count <= FormatLimits.groups else {
            throw FormatError(
                .limitExceeded,
                "\(groups.count) groups of keys exceed the \(FormatLimits.groups) of a batch; publish in several"
            )
        }
        var head: [UInt8] = []
        head.reserveCapacity(keys.count * 16 + groups.count * 4 + 64)
        head.append(varint: UInt64(groups.count))
        var table = BitWriter(after: head)
        GroupTable.write(groups, to: &table)
        var bits = BitWriter(after: table.finish())
        for key in keys { bits.write(key.data.low, bits: 64) }
        writeHighHalves(keys, groups, to: &bits)
        return bits.finish()
    }

    /// - Returns: keys in batch order.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> [DiagnosisKey] {
        var reader = ByteReader(bytes, reading: "diagnosis keys")
        let groupCount = try reader.varint(upTo: FormatLimits.groups, "the number of groups")
        // A group takes at least one bit of the table and eight bytes of its first key.
        guard groupCount > 0, groupCount <= reader.remaining / 8 else {
            throw reader.error(.lyingLength, "\(groupCount) groups cannot stand in \(reader.remaining) bytes")
        }
        var table = BitReader(bytes[reader.position...], reading: "table of key groups")
        let groups = try GroupTable.read(groupCount, from: &table)
        let lows = try table.align()
        let total = groups.reduce(0) { $0 + $1.count }
        guard total <= FormatLimits.keysPerBatch else {
            throw FormatError(.limitExceeded, "a batch of \(total) keys, more than \(FormatLimits.keysPerBatch)")
        }
        guard total <= (bytes.endIndex - lows) / 8 else {
            throw FormatError(.lyingLength, "\(total) keys cannot stand in \(bytes.endIndex - lows) bytes")
        }
        return try decodeKeys(bytes, groups: groups, total: total, lows: lows)
    }

    /// The Rice parameter for a group: the gap between neighbours of `count` uniform 64-bit numbers, 2^64 / count on
    /// average, is then coded within 0.14 bits of its entropy.
    package static func riceParameter(count: Int) -> Int {
        64 - (Int.bitWidth - count.leadingZeroBitCount)
    }

    private static func writeHighHalves(_ keys: [DiagnosisKey], _ groups: [KeyGroup], to bits: inout BitWriter) {
        var index = 0
        for group in groups {
            let parameter = riceParameter(count: group.count)
            var previous: UInt64 = 0
            for _ in 0..<group.count {
                let gap = keys[index].data.high - previous
                previous = keys[index].data.high
                bits.writeUnary(Int(gap >> UInt64(parameter)))
                bits.write(gap, bits: parameter)
                index += 1
            }
        }
    }

    private static func decodeKeys(
        _ bytes: ArraySlice<UInt8>,
        groups: [KeyGroup],
        total: Int,
        lows: Int
    ) throws(FormatError) -> [DiagnosisKey] {
        let lowHalves = bytes[lows..<lows + 8 * total]
        var bits = BitReader(bytes[(lows + 8 * total)...], reading: "high halves of keys")
        var keys: [DiagnosisKey] = []
        keys.reserveCapacity(total)
        for group in groups {
            let parameter = riceParameter(count: group.count)
            let longestRun = Int(UInt64.max >> UInt64(parameter))
            var previous: KeyData?
            for _ in 0..<group.count {
                let quotient = try bits.readUnary(upTo: longestRun)
                let gap = UInt64(quotient) << UInt64(parameter) | (try bits.read(bits: parameter))
                let (high, overflow) = (previous?.high ?? 0).addingReportingOverflow(gap)
                let position = 8 * keys.count
                let low = lowHalves.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) }
                let data = KeyData(high: high, low: UInt64(bigEndian: low))
                if overflow { throw FormatError(.outOfRange, "a key after \(keys.count) others exceeds 16 bytes") }
                if let previous, data <= previous {
                    throw FormatError(.notAscending, "keys of one group do not ascend, after \(keys.count) keys")
                }
                previous = data
                keys.append(DiagnosisKey(data: data, metadata: group.metadata))
            }
        }
        let end = try bits.align()
        guard end == bytes.endIndex else {
            throw FormatError(.trailingBytes, "diagnosis keys: \(bytes.endIndex - end) bytes follow the last key")
        }
        return keys
    }
}

/// Keys of a batch that share all metadata.
package struct KeyGroup: Equatable {
    package let metadata: KeyMetadata
    /// At least 1.
    package let count: Int

    package init(metadata: KeyMetadata, count: Int) {
        self.metadata = metadata
        self.count = count
    }

    /// - Parameter keys: in batch order.
    package static func groups(of keys: [DiagnosisKey]) -> [KeyGroup] {
        var groups: [KeyGroup] = []
        var start = keys.startIndex
        while start < keys.endIndex {
            let metadata = keys[start].metadata
            var end = start + 1
            while end < keys.endIndex, keys[end].metadata == metadata { end += 1 }
            groups.append(KeyGroup(metadata: metadata, count: end - start))
            start = end
        }
        return groups
    }
}

extension [DiagnosisKey] {
    /// The keys in batch order. If they ascend by their bytes, as those of a merged state do, they are only dealt out
    /// to their groups; that is several times as fast as sorting them.
    package var inBatchOrder: [DiagnosisKey] {
        let isAscending = zip(self, dropFirst()).allSatisfy { $0.data <= $1.data }
        let ascending = isAscending ? self : sorted { $0.data < $1.data }
        // Group numbers by first appearance. The dictionary is only looked up in, so its order does not matter.
        var numbers: [UInt64: Int] = [:]
        var metadata: [KeyMetadata] = []
        var counts: [Int] = []
        let groups = ascending.map { key in
            let packed = key.metadata.packed
            if let number = numbers[packed] {
                counts[number] += 1
                return number
            }
            numbers[packed] = metadata.count
            metadata.append(key.metadata)
            counts.append(1)
            return metadata.count - 1
        }
        var next = [Int](repeating: 0, count: metadata.count)
        var start = 0
        for number in metadata.indices.sorted(by: { metadata[$0] < metadata[$1] }) {
            next[number] = start
            start += counts[number]
        }
        var result = ascending
        for (key, group) in zip(ascending, groups) {
            result[next[group]] = key
            next[group] += 1
        }
        return result
    }
}
