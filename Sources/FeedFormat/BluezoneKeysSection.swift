package import ExposureKeys

/// The payload of a batch's section of Bluezone day keys: laid out as that of diagnosis keys, with 24 bytes of each key
/// standing whole instead of eight. Every byte: docs/FEED-FORMAT.md, "Bluezone day keys".
package enum BluezoneKeysSection {
    /// - Parameter keys: strictly ascending by `BluezoneDayKey.precedesInBatch`, at least one.
    /// - Throws: `.limitExceeded` if they form more than 2^16 groups.
    package static func encode(_ keys: [BluezoneDayKey]) throws(FormatError) -> [UInt8] {
        let groups = KeyGroup.groups(of: keys)
        var bits = BitWriter(after: try KeysHead.encode(groups, reserving: keys.count * 32))
        for key in keys {
            let (_, word1, word2, word3) = key.firstSubKey.words
            for word in [word1, word2, word3] { bits.write(word, bits: 64) }
        }
        var index = 0
        for group in groups {
            var highs = HighHalves(count: group.count)
            for _ in 0..<group.count {
                highs.write(keys[index].firstSubKey.words.0, to: &bits)
                index += 1
            }
        }
        return bits.finish()
    }

    /// - Returns: keys in batch order.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> [BluezoneDayKey] {
        let head = try KeysHead(
            bytes,
            reading: "Bluezone day keys",
            wholeBytes: wholeBytes,
            limit: FormatLimits.bluezoneKeysPerBatch
        )
        var whole = ByteReader(bytes[head.end...], reading: "Bluezone day keys")
        var bits = BitReader(
            bytes[(head.end + wholeBytes * head.total)...],
            reading: "high halves of Bluezone day keys"
        )
        var keys: [BluezoneDayKey] = []
        keys.reserveCapacity(head.total)
        for group in head.groups {
            var highs = HighHalves(count: group.count)
            var previous: BluezoneSubKey?
            for _ in 0..<group.count {
                let high = try highs.read(from: &bits)
                let subKey = BluezoneSubKey(high, try whole.uint64(), try whole.uint64(), try whole.uint64())
                guard let key = BluezoneDayKey(firstSubKey: subKey, metadata: group.metadata) else {
                    throw FormatError(
                        .outOfRange,
                        "the validity of a group of Bluezone day keys is no whole day in UTC"
                    )
                }
                if let previous, subKey <= previous {
                    throw FormatError(
                        .notAscending,
                        "Bluezone day keys of one group do not ascend, after \(keys.count)"
                    )
                }
                previous = subKey
                keys.append(key)
            }
        }
        let end = try bits.align()
        guard end == bytes.endIndex else {
            throw FormatError(
                .trailingBytes,
                "Bluezone day keys: \((bytes.endIndex - end).counted("byte")) behind the last key"
            )
        }
        return keys
    }

    /// Bytes 8 to 31 of every key.
    private static let wholeBytes = 24
}
