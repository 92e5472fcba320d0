import Crypto
import ExposureNotification

/// Builds archives field by field, valid or not, without the code under test.
enum Forge {
    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest > 127 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func field(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

    static func field(_ number: UInt64, negative value: Int64) -> [UInt8] { field(number, UInt64(bitPattern: value)) }

    static func field(_ number: UInt64, fixed64 value: UInt64) -> [UInt8] {
        varint(number << 3 | 1) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func field(_ number: UInt64, fixed32 value: UInt32) -> [UInt8] {
        varint(number << 3 | 5) + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    /// A key of 16 equal bytes with whatever else is given; the rest as in most exports.
    static func entry(_ byte: UInt8, _ rest: [UInt8] = field(3, 2_678_400)) -> [UInt8] {
        field(1, [UInt8](repeating: byte, count: 16)) + rest
    }

    static let header = Array("EK Export v1    ".utf8)

    static func export(_ message: [UInt8]) -> [UInt8] { header + message }

    static func signatures(_ signatures: [(info: [UInt8], der: [UInt8])]) -> [UInt8] {
        signatures.flatMap { field(1, field(1, $0.info) + field(2, 1) + field(3, 1) + field(4, $0.der)) }
    }

    static func signature(over export: [UInt8], by key: P256.Signing.PrivateKey) throws -> [UInt8] {
        [UInt8](try key.signature(for: export).derRepresentation)
    }

    /// An archive of `export` with an `export.sig` that promises nothing, for readers that do not verify.
    static func unsigned(_ export: [UInt8]) -> [UInt8] {
        zip([Member("export.bin", export), Member("export.sig", [])])
    }

    /// One member of an archive; change a field to make it lie.
    struct Member {
        var name: String
        var content: [UInt8]
        var flags: UInt16 = 0
        var method: UInt16 = 0
        var checksum: UInt32
        var size: UInt32
        var packedSize: UInt32
        /// Where the directory says the member is, if not where it is.
        var offset: UInt32?
        /// What the local header says instead, if anything.
        var localName: String?
        var localSize: UInt32?

        init(_ name: String, _ content: [UInt8]) {
            self.name = name
            self.content = content
            checksum = Forge.checksum(content)
            size = UInt32(content.count)
            packedSize = size
        }
    }

    static func zip(_ members: [Member], comment: [UInt8] = [], before: [UInt8] = []) -> [UInt8] {
        var archive = before
        var directory: [UInt8] = []
        for member in members {
            let offset = UInt32(archive.count)
            let localName = Array((member.localName ?? member.name).utf8)
            func common(_ name: [UInt8], _ size: UInt32) -> [UInt8] {
                little16(20) + little16(member.flags) + little16(member.method) + little32(0)
                    + little32(member.checksum)
                    + little32(member.packedSize) + little32(size) + little16(UInt16(name.count)) + little16(0)
            }
            archive += little32(0x0403_4b50) + common(localName, member.localSize ?? member.size) + localName
            archive += member.content
            directory += little32(0x0201_4b50) + little16(20) + common(Array(member.name.utf8), member.size)
            directory += [UInt8](repeating: 0, count: 10) + little32(member.offset ?? offset) + Array(member.name.utf8)
        }
        let count = UInt16(members.count)
        let end =
            little32(0x0605_4b50) + little32(0) + little16(count) + little16(count) + little32(UInt32(directory.count))
            + little32(UInt32(archive.count)) + little16(UInt16(comment.count)) + comment
        return archive + directory + end
    }

    /// A raw deflate stream of `1 + 258 * runs` zero bytes in 13 bits a run: one literal, then matches at distance 1,
    /// all in fixed codes.
    static func deflatedZeros(runs: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var current: UInt8 = 0
        var filled = 0
        func put(_ bits: [UInt8]) {
            for bit in bits {
                current |= bit << UInt8(filled)
                filled += 1
                if filled == 8 {
                    bytes.append(current)
                    (current, filled) = (0, 0)
                }
            }
        }
        put([1, 1, 0])  // the last block, fixed codes
        put([0, 0, 1, 1, 0, 0, 0, 0])  // literal 0
        for _ in 0..<runs { put([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]) }  // length 258, distance 1
        put([0, 0, 0, 0, 0, 0, 0])  // end of block
        if filled > 0 { bytes.append(current) }
        return bytes
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xedb8_8320 : 0) }
        }
    }

    static func little16(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xff), UInt8(value >> 8)] }
    static func little32(_ value: UInt32) -> [UInt8] {
        little16(UInt16(value & 0xffff)) + little16(UInt16(value >> 16))
    }
}
