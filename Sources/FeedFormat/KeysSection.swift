package import ExposureKeys

/// The payload of a batch's section of diagnosis keys: a columnar table of groups, then the sorted keys of each group
/// with the gaps between their high halves Golomb-Rice coded. Every byte: docs/FEED-FORMAT.md, "Diagnosis keys".
package enum KeysSection {
    /// - Parameter keys: strictly ascending by `DiagnosisKey.precedesInBatch`, at least one.
    /// - Throws: `.limitExceeded` if they form more than 2^16 groups.
    package static func encode(_ keys: [DiagnosisKey]) throws(FormatError) -> [UInt8] {
        let groups = KeyGroup.groups(of: keys)
        var bits = BitWriter(after: try KeysHead.encode(groups, reserving: keys.count * 16))
        for key in keys { bits.write(key.data.low, bits: 64) }
        var index = 0
        for group in groups {
            var highs = HighHalves(count: group.count)
            for _ in 0..<group.count {
                highs.write(keys[index].data.high, to: &bits)
                index += 1
            }
        }
        return bits.finish()
    }

    /// - Returns: keys in batch order.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> [DiagnosisKey] {
        let head = try KeysHead(bytes, reading: "diagnosis keys", wholeBytes: 8, limit: FormatLimits.keysPerBatch)
        let total = head.total
        let lowHalves = bytes[head.end..<head.end + 8 * total]
        var bits = BitReader(bytes[(head.end + 8 * total)...], reading: "high halves of keys")
        var keys: [DiagnosisKey] = []
        keys.reserveCapacity(total)
        for group in head.groups {
            var highs = HighHalves(count: group.count)
            var previous: KeyData?
            for _ in 0..<group.count {
                let high = try highs.read(from: &bits)
                let position = 8 * keys.count
                let low = lowHalves.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) }
                let data = KeyData(high: high, low: UInt64(bigEndian: low))
                if let previous, data <= previous {
                    throw FormatError(
                        .notAscending,
                        "keys of one group do not ascend, after \(keys.count.counted("key"))"
                    )
                }
                previous = data
                keys.append(DiagnosisKey(data: data, metadata: group.metadata))
            }
        }
        let end = try bits.align()
        guard end == bytes.endIndex else {
            throw FormatError(
                .trailingBytes,
                "diagnosis keys: \((bytes.endIndex - end).counted("byte")) behind the last key"
            )
        }
        return keys
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
