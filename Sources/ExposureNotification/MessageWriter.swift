/// Appends protobuf fields to bytes: the counterpart of `MessageReader`.
struct MessageWriter {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// An `int32`: negative values take ten bytes, as protobuf has it.
    mutating func int32(_ value: Int32, field: UInt32) {
        tag(field, wireType: 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// A `sint32`, which is zigzag coded.
    mutating func sint32(_ value: Int32, field: UInt32) {
        tag(field, wireType: 0)
        varint(UInt64(UInt32(bitPattern: value << 1 ^ value >> 31)))
    }

    mutating func fixed64(_ value: UInt64, field: UInt32) {
        tag(field, wireType: 1)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    mutating func data(_ value: some Collection<UInt8>, field: UInt32) {
        tag(field, wireType: 2)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// An optional string, left out when empty.
    mutating func string(_ value: String, field: UInt32) {
        if !value.isEmpty { data(value.utf8, field: field) }
    }

    private mutating func tag(_ field: UInt32, wireType: UInt32) {
        varint(UInt64(field << 3 | wireType))
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
