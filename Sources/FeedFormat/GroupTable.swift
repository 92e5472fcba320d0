import ExposureKeys

/// The columnar table of key groups: per field of the metadata a dictionary of the values in use and, per group, the
/// step from the previous group's position in it; then the counts. Every bit: docs/FEED-FORMAT.md, "Table of groups".
package enum GroupTable {
    package static func write(_ groups: [KeyGroup], to bits: inout BitWriter) {
        for field in MetadataField.allCases {
            writeColumn(groups.map { field.value(in: $0.metadata) }, width: field.width, to: &bits)
        }
        writeNumbers(groups.map { UInt64($0.count - 1) }, to: &bits)
    }

    package static func read(_ count: Int, from bits: inout BitReader) throws(FormatError) -> [KeyGroup] {
        var packed = [UInt64](repeating: 0, count: count)
        for field in MetadataField.allCases {
            let column = try readColumn(count, field: field, from: &bits)
            for row in 0..<count { packed[row] |= column[row] << field.shift }
        }
        let counts = try readNumbers(count, from: &bits)
        var groups: [KeyGroup] = []
        groups.reserveCapacity(count)
        for row in 0..<count {
            if row > 0, packed[row] <= packed[row - 1] {
                throw FormatError(.notAscending, "table of key groups: group \(row) does not follow group \(row - 1)")
            }
            guard let metadata = KeyMetadata(unpacking: packed[row]) else {
                throw FormatError(.outOfRange, "table of key groups: group \(row) has metadata outside its ranges")
            }
            guard counts[row] < UInt64(FormatLimits.keysPerBatch) else {
                throw FormatError(.limitExceeded, "table of key groups: group \(row) has \(counts[row].counted("key"))")
            }
            groups.append(KeyGroup(metadata: metadata, count: Int(counts[row]) + 1))
        }
        return groups
    }

    private static func writeColumn(_ values: [UInt64], width: Int, to bits: inout BitWriter) {
        let dictionary = distinct(values)
        bits.writeExpGolomb(UInt64(dictionary.count - 1), order: 3)
        bits.write(dictionary[0], bits: width)
        guard dictionary.count > 1 else { return }
        writeNumbers(zip(dictionary, dictionary.dropFirst()).map { $1 - $0 - 1 }, to: &bits)
        var previous = 0
        var steps: [UInt64] = []
        steps.reserveCapacity(values.count)
        for value in values {
            let position = position(of: value, in: dictionary)
            steps.append(UInt64((position - previous + dictionary.count) % dictionary.count))
            previous = position
        }
        writeNumbers(steps, to: &bits)
    }

    private static func readColumn(
        _ count: Int,
        field: MetadataField,
        from bits: inout BitReader
    ) throws(FormatError) -> [UInt64] {
        let size = try bits.readExpGolomb(order: 3) + 1
        guard size <= UInt64(count) else {
            throw FormatError(
                .lyingLength,
                "table of key groups: \(size) values of \(field) for \(count.counted("group"))"
            )
        }
        var dictionary = [try bits.read(bits: field.width)]
        guard size > 1 else { return [UInt64](repeating: dictionary[0], count: count) }
        for gap in try readNumbers(Int(size) - 1, from: &bits) {
            let next = dictionary[dictionary.count - 1] + gap + 1
            guard next < 1 << UInt64(field.width) else {
                throw FormatError(.outOfRange, "table of key groups: a value of \(field) exceeds \(field.width) bits")
            }
            dictionary.append(next)
        }
        var column: [UInt64] = []
        column.reserveCapacity(count)
        var position: UInt64 = 0
        for step in try readNumbers(count, from: &bits) {
            guard step < size else {
                throw FormatError(
                    .outOfRange,
                    "table of key groups: a step of \(step) among \(size) values of \(field)"
                )
            }
            position = (position + step) % size
            column.append(dictionary[Int(position)])
        }
        return column
    }

    /// Numbers with the exponential Golomb order that makes them shortest (the smallest such order) in front.
    private static func writeNumbers(_ values: [UInt64], to bits: inout BitWriter) {
        func size(_ order: Int) -> Int {
            values.reduce(0) { sum, value in
                let quotient = (value >> UInt64(order)) + 1
                return sum + 2 * (UInt64.bitWidth - quotient.leadingZeroBitCount) - 1 + order
            }
        }
        let best = (0..<16).map { (order: $0, size: size($0)) }.min { $0.size < $1.size }
        let order = best?.order ?? 0
        bits.write(UInt64(order), bits: 4)
        for value in values { bits.writeExpGolomb(value, order: order) }
    }

    private static func readNumbers(_ count: Int, from bits: inout BitReader) throws(FormatError) -> [UInt64] {
        let order = Int(try bits.read(bits: 4))
        var values: [UInt64] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try bits.readExpGolomb(order: order)) }
        return values
    }

    /// The values in use, strictly ascending.
    private static func distinct(_ values: [UInt64]) -> [UInt64] {
        var result: [UInt64] = []
        for value in values.sorted() where result.last != value { result.append(value) }
        return result
    }

    private static func position(of value: UInt64, in dictionary: [UInt64]) -> Int {
        var low = 0
        var high = dictionary.count - 1
        while low < high {
            let middle = (low + high) / 2
            if dictionary[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The fields of packed metadata, in the order of the columns, which is the order of significance.
private enum MetadataField: CaseIterable {
    case reportType, rollingPeriod, transmissionRisk, daysSinceOnset, rollingStart

    var shift: UInt64 {
        switch self {
        case .reportType: 58
        case .rollingPeriod: 50
        case .transmissionRisk: 46
        case .daysSinceOnset: 32
        case .rollingStart: 0
        }
    }

    var width: Int {
        switch self {
        case .reportType: 3
        case .rollingPeriod: 8
        case .transmissionRisk: 4
        case .daysSinceOnset: 14
        case .rollingStart: 32
        }
    }

    func value(in metadata: KeyMetadata) -> UInt64 {
        metadata.packed >> shift & (1 << UInt64(width) - 1)
    }
}
