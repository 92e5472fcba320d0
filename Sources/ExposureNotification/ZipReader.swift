import ExposureKeys

/// The part of ZIP that export archives use: members stored or deflated, found through the central directory.
///
/// Source: PKWARE APPNOTE 6.3.10. Written here because a pure target reads bytes, not files, and because the reader of
/// an unverified archive should know little: no ZIP64, no encryption, no comments on members, nothing before the first
/// member, no gap between directory and end record.
struct ZipReader {
    struct Member {
        let name: String
        let size: Int
        let checksum: UInt32
        let isDeflated: Bool
        /// Where the member's record begins: its local header.
        let recordStart: Int
        /// The stored or deflated bytes.
        let content: Range<Int>
    }

    let members: [Member]
    private let bytes: [UInt8]

    /// Reads the directory; content is looked at by `content(of:)` alone.
    /// - Parameter maximumMembers: more members than this are refused before any is looked at.
    init(_ bytes: [UInt8], maximumMembers: Int) throws(ExportError) {
        self.bytes = bytes
        let end = try ZipReader.findEnd(in: bytes)
        guard end.memberCount <= maximumMembers else {
            throw ExportError(.memberUnexpected, "the archive has \(end.memberCount) members; refuse it")
        }
        var members: [Member] = []
        var position = end.directory.lowerBound
        for _ in 0..<end.memberCount {
            let (member, next) = try ZipReader.member(in: bytes, at: position, directory: end.directory)
            members.append(member)
            position = next
        }
        guard position == end.directory.upperBound else {
            throw ExportError(.memberCorrupt, "the directory is longer than its entries; fetch the archive again")
        }
        // Two members over the same bytes are how small archives inflate to huge ones.
        let inOrder = members.sorted { $0.recordStart < $1.recordStart }
        for (first, second) in zip(inOrder, inOrder.dropFirst()) where second.recordStart < first.content.upperBound {
            throw ExportError(.memberCorrupt, "two members overlap; refuse the archive")
        }
        self.members = members
    }

    /// The member's bytes, inflated if need be and checked against its checksum.
    func content(of member: Member) throws(ExportError) -> [UInt8] {
        let raw = bytes[member.content]
        let content: [UInt8]
        if member.isDeflated {
            guard let inflated = Deflate.inflate(raw, size: member.size) else {
                throw ExportError(
                    .memberCorrupt,
                    "\(member.name) does not inflate to the \(member.size.counted("byte")) it declares; fetch the archive again"
                )
            }
            content = inflated
        } else {
            content = Array(raw)
        }
        guard Deflate.checksum(content) == member.checksum else {
            throw ExportError(.memberCorrupt, "\(member.name) fails its checksum; fetch the archive again")
        }
        return content
    }

    private struct End {
        let directory: Range<Int>
        let memberCount: Int
    }

    /// Finds the end record: 22 bytes and a comment that reaches to the archive's last byte.
    private static func findEnd(in bytes: [UInt8]) throws(ExportError) -> End {
        let last = bytes.count - Layout.endSize
        var start = last
        while start >= 0, start >= last - Int(UInt16.max) {
            if bytes.littleEndian32(at: start) == Layout.endSignature,
                Int(bytes.littleEndian16(at: start + 20)) == last - start
            {
                return try end(in: bytes, at: start)
            }
            start -= 1
        }
        if bytes.starts(with: [0x50, 0x4b, 0x03, 0x04]) {
            throw ExportError(.truncated, "the archive has no end record; fetch it again")
        }
        throw ExportError(
            .notAnArchive,
            "\(bytes.count.counted("byte")) without a ZIP end record; check what was fetched"
        )
    }

    private static func end(in bytes: [UInt8], at start: Int) throws(ExportError) -> End {
        let disk = bytes.littleEndian16(at: start + 4)
        let directoryDisk = bytes.littleEndian16(at: start + 6)
        let countHere = bytes.littleEndian16(at: start + 8)
        let count = bytes.littleEndian16(at: start + 10)
        let size = bytes.littleEndian32(at: start + 12)
        let offset = bytes.littleEndian32(at: start + 16)
        guard count != .max, size != .max, offset != .max else {
            throw ExportError(
                .unsupportedArchive,
                "the archive is ZIP64, which no phone reads: have it made again as a plain ZIP file"
            )
        }
        guard disk == 0, directoryDisk == 0, countHere == count else {
            throw ExportError(.unsupportedArchive, "the archive is one of several parts; fetch it as one file")
        }
        guard Int(offset) + Int(size) == start else {
            throw ExportError(.memberCorrupt, "the directory does not end where the end record begins; fetch it again")
        }
        return End(directory: Int(offset)..<start, memberCount: Int(count))
    }

    /// Reads one entry of the directory and the local header that it points to.
    /// - Returns: the member, and where the next entry begins.
    private static func member(
        in bytes: [UInt8],
        at entry: Int,
        directory: Range<Int>
    ) throws(ExportError) -> (Member, next: Int) {
        guard entry + Layout.entrySize <= directory.upperBound,
            bytes.littleEndian32(at: entry) == Layout.entrySignature
        else { throw ExportError(.memberCorrupt, "no directory entry at byte \(entry); fetch the archive again") }
        let nameLength = Int(bytes.littleEndian16(at: entry + 28))
        let extraLength = Int(bytes.littleEndian16(at: entry + 30))
        let commentLength = Int(bytes.littleEndian16(at: entry + 32))
        let nameStart = entry + Layout.entrySize
        let next = nameStart + nameLength + extraLength + commentLength
        guard next <= directory.upperBound else {
            throw ExportError(.memberCorrupt, "the directory entry at byte \(entry) is cut short; fetch it again")
        }
        let nameBytes = bytes[nameStart..<nameStart + nameLength]
        guard nameLength <= Layout.longestName, nameBytes.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
            throw ExportError(.memberUnexpected, "a member has a name that no export has; refuse the archive")
        }
        let name = String(decoding: nameBytes, as: UTF8.self)
        let flags = bytes.littleEndian16(at: entry + 8)
        let method = bytes.littleEndian16(at: entry + 10)
        guard flags & Layout.unsupportedFlags == 0, method == Layout.stored || method == Layout.deflated else {
            throw ExportError(.unsupportedArchive, "\(name) is encrypted or neither stored nor deflated; refuse it")
        }
        let packedSize = Int(bytes.littleEndian32(at: entry + 20))
        let size = Int(bytes.littleEndian32(at: entry + 24))
        guard method == Layout.deflated ? size / Deflate.greatestRatio <= packedSize : size == packedSize else {
            throw ExportError(.memberCorrupt, "\(name) declares a size that it cannot have; refuse the archive")
        }
        let recordStart = Int(bytes.littleEndian32(at: entry + 42))
        let contentStart = try checkLocalHeader(
            in: bytes,
            at: recordStart,
            before: directory.lowerBound,
            entry: entry,
            name: nameBytes
        )
        guard contentStart + packedSize <= directory.lowerBound else {
            throw ExportError(.memberCorrupt, "\(name) reaches beyond the members; fetch the archive again")
        }
        let member = Member(
            name: name,
            size: size,
            checksum: bytes.littleEndian32(at: entry + 16),
            isDeflated: method == Layout.deflated,
            recordStart: recordStart,
            content: contentStart..<contentStart + packedSize
        )
        return (member, next)
    }

    /// What the local header says must be what the directory says; readers that believe either then agree.
    /// - Returns: where the member's content begins.
    private static func checkLocalHeader(
        in bytes: [UInt8],
        at start: Int,
        before end: Int,
        entry: Int,
        name: ArraySlice<UInt8>
    ) throws(ExportError) -> Int {
        guard start + Layout.localSize <= end, bytes.littleEndian32(at: start) == Layout.localSignature else {
            throw ExportError(.memberCorrupt, "no member at byte \(start); fetch the archive again")
        }
        let nameStart = start + Layout.localSize
        let nameLength = Int(bytes.littleEndian16(at: start + 26))
        let contentStart = nameStart + nameLength + Int(bytes.littleEndian16(at: start + 28))
        let flags = bytes.littleEndian16(at: start + 6)
        guard contentStart <= end, bytes[nameStart..<nameStart + nameLength] == name,
            flags == bytes.littleEndian16(at: entry + 8),
            bytes.littleEndian16(at: start + 8) == bytes.littleEndian16(at: entry + 10)
        else {
            throw ExportError(.memberCorrupt, "the member at byte \(start) differs from its entry; refuse the archive")
        }
        // A writer that streams leaves the three values to a descriptor behind the content and sets this flag.
        if flags & Layout.descriptorFlag == 0 {
            let headerValues = bytes[start + 14..<start + 26]
            guard headerValues == bytes[entry + 16..<entry + 28] else {
                throw ExportError(
                    .memberCorrupt,
                    "the member at byte \(start) has other sizes than its entry; refuse it"
                )
            }
        }
        return contentStart
    }

    enum Layout {
        static let endSignature: UInt32 = 0x0605_4b50
        static let entrySignature: UInt32 = 0x0201_4b50
        static let localSignature: UInt32 = 0x0403_4b50
        static let endSize = 22
        static let entrySize = 46
        static let localSize = 30
        static let stored: UInt16 = 0
        static let deflated: UInt16 = 8
        static let descriptorFlag: UInt16 = 1 << 3
        /// All but: deflate's level (bits 1 and 2), sizes in a descriptor (3), names in UTF-8 (11).
        static let unsupportedFlags: UInt16 = ~(0b110 | 1 << 3 | 1 << 11)
        static let longestName = 64
    }
}

extension [UInt8] {
    /// The caller has checked that both bytes are there; if it has not, this traps.
    func littleEndian16(at position: Int) -> UInt16 {
        UInt16(self[position]) | UInt16(self[position + 1]) << 8
    }

    func littleEndian32(at position: Int) -> UInt32 {
        UInt32(littleEndian16(at: position)) | UInt32(littleEndian16(at: position + 2)) << 16
    }
}
