package import ExposureKeys

/// What a section of keys of any kind begins with: the number of groups and their table, up to a whole byte.
struct KeysHead {
    let groups: [KeyGroup]
    /// Keys of all groups together.
    let total: Int
    /// Index of the first byte after the table.
    let end: Int

    /// - Throws: `.limitExceeded` if there are more than 2^16 groups.
    static func encode(_ groups: [KeyGroup], reserving capacity: Int) throws(FormatError) -> [UInt8] {
        guard groups.count <= FormatLimits.groups else {
            throw FormatError(
                .limitExceeded,
                "\(groups.count.counted("group")) of keys exceed the \(FormatLimits.groups) of a batch; publish in several"
            )
        }
        var head: [UInt8] = []
        head.reserveCapacity(capacity + groups.count * 4 + 64)
        head.append(varint: UInt64(groups.count))
        var table = BitWriter(after: head)
        GroupTable.write(groups, to: &table)
        return table.finish()
    }

    /// - Parameters:
    ///   - wholeBytes: bytes of each key that follow the head one by one, so that their number bounds the keys.
    ///   - limit: keys that the section may have.
    init(
        _ bytes: ArraySlice<UInt8>,
        reading what: StaticString,
        wholeBytes: Int,
        limit: Int
    ) throws(FormatError) {
        var reader = ByteReader(bytes, reading: what)
        let count = try reader.varint(upTo: FormatLimits.groups, "the number of groups")
        // A group takes at least one bit of the table and these bytes of its first key.
        guard count > 0, count <= reader.remaining / wholeBytes else {
            throw reader.error(
                .lyingLength,
                "\(count.counted("group")) cannot stand in \(reader.remaining.counted("byte"))"
            )
        }
        var table = BitReader(bytes[reader.position...], reading: "table of key groups")
        groups = try GroupTable.read(count, from: &table)
        end = try table.align()
        total = groups.reduce(0) { $0 + $1.count }
        guard total <= limit else {
            throw FormatError(.limitExceeded, "\(what): \(total.counted("key")) in a batch, more than \(limit)")
        }
        guard total <= (bytes.endIndex - end) / wholeBytes else {
            throw FormatError(
                .lyingLength,
                "\(what): \(total.counted("key")) cannot stand in \((bytes.endIndex - end).counted("byte"))"
            )
        }
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
    package static func groups(of keys: [some PublishedKey]) -> [KeyGroup] {
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
