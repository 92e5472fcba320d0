import ExposureKeys

/// One section of a batch as it stands in the bytes. Sections of kinds that this release does not know are stored and
/// relayed like all others.
public struct BatchSection: Sendable {
    /// What the payload is. Kinds ascend strictly inside a batch.
    public struct Kind: Hashable, Comparable, Sendable {
        public let number: UInt32
        public init(_ number: UInt32) { self.number = number }
        public static func < (left: Kind, right: Kind) -> Bool { left.number < right.number }

        /// The region's earlier epochs that are still alive; in batch 0 only.
        public static let predecessors = Kind(1)
        /// Diagnosis keys.
        public static let diagnosisKeys = Kind(2)
        /// First sub-keys of days of Bluezone phones.
        public static let bluezoneDayKeys = Kind(3)
    }

    public let kind: Kind
    /// 0 stored as it is, 1 an LZ4 block, others unknown to this release.
    package let encoding: UInt8
    /// Size of the payload after decoding; equals the stored size unless compressed.
    package let decodedSize: Int
    package let stored: ArraySlice<UInt8>

    /// Reads one section off the front.
    init(from reader: inout ByteReader) throws(FormatError) {
        let number = try reader.varint()
        guard (1...UInt64(UInt32.max)).contains(number) else {
            throw reader.error(.outOfRange, "\(number) is no kind of section")
        }
        kind = Kind(UInt32(number))
        encoding = try reader.byte()
        let size = try reader.varint(upTo: FormatLimits.batchBytes, "the size of section \(number)")
        if encoding == Encoding.lz4 {
            decodedSize = try reader.varint(upTo: FormatLimits.sectionBytes, "the decoded size of section \(number)")
            guard decodedSize > size else {
                throw reader.error(.notCanonical, "section \(number) is compressed without being smaller")
            }
        } else {
            decodedSize = size
        }
        guard size <= reader.remaining else {
            throw reader.error(
                .lyingLength,
                "section \(number) claims \(size.counted("byte")), \(reader.remaining) are left"
            )
        }
        stored = try reader.take(size)
    }

    /// The payload, decompressed. Call only after the batch is verified.
    package func payload(_ decoder: BlockDecoder) throws(FormatError) -> ArraySlice<UInt8> {
        switch encoding {
        case Encoding.stored:
            return stored
        case Encoding.lz4:
            guard let bytes = decoder.decode(stored, size: decodedSize), bytes.count == decodedSize else {
                throw FormatError(
                    .decompression,
                    "section \(kind.number) does not decompress to the \(decodedSize.counted("byte")) it declares"
                )
            }
            return bytes[...]
        default:
            throw FormatError(.unknownFormat, "section \(kind.number) has the unknown encoding \(encoding)")
        }
    }

    /// Appends a section, compressed where that makes it smaller.
    package static func write(_ kind: Kind, _ payload: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(kind.number))
        // The decoded size costs up to four bytes more, so a block must win by more than that.
        if let block = LZ4Block.compress(payload, margin: 5) {
            bytes.append(Encoding.lz4)
            bytes.append(varint: UInt64(block.count))
            bytes.append(varint: UInt64(payload.count))
            bytes.append(contentsOf: block)
        } else {
            bytes.append(Encoding.stored)
            bytes.append(varint: UInt64(payload.count))
            bytes.append(contentsOf: payload)
        }
    }

    private enum Encoding {
        static let stored: UInt8 = 0
        static let lz4: UInt8 = 1
    }
}
