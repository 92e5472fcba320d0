/// Writes small ZIP archives in which everything is deflated and nothing depends on the time of day.
enum ZipWriter {
    /// - Throws: `notRepresentable` beyond 4 GiB, `internalFailure` if zlib fails.
    static func archive(of members: [(name: String, content: [UInt8])]) throws(ExportError) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in members {
            guard let packed = Deflate.deflate(content) else {
                throw ExportError(.internalFailure, "deflating \(content.count) bytes failed")
            }
            guard let offset = UInt32(exactly: archive.count), let packedSize = UInt32(exactly: packed.count),
                let size = UInt32(exactly: content.count), let nameLength = UInt16(exactly: name.utf8.count)
            else { throw ExportError(.notRepresentable, "\(name) of \(content.count) bytes is too large for ZIP") }
            // From the version needed to the length of the extra field, header and directory entry agree.
            var common = LittleEndianBytes()
            common.append16(versionNeeded)
            common.append16(0)
            common.append16(ZipReader.Layout.deflated)
            common.append16(0)
            common.append16(firstOfJanuary1980)
            common.append32(Deflate.checksum(content))
            common.append32(packedSize)
            common.append32(size)
            common.append16(nameLength)
            common.append16(0)

            var header = LittleEndianBytes()
            header.append32(ZipReader.Layout.localSignature)
            archive += header.bytes + common.bytes + Array(name.utf8) + packed

            var entry = LittleEndianBytes()
            entry.append32(ZipReader.Layout.entrySignature)
            entry.append16(versionNeeded)
            entry.bytes += common.bytes
            entry.bytes += [UInt8](repeating: 0, count: 10)  // comment, disk and attributes: none
            entry.append32(offset)
            directory += entry.bytes + Array(name.utf8)
        }
        guard let offset = UInt32(exactly: archive.count), let size = UInt32(exactly: directory.count),
            let count = UInt16(exactly: members.count)
        else { throw ExportError(.notRepresentable, "an archive of \(archive.count) bytes is too large for ZIP") }
        var end = LittleEndianBytes()
        end.append32(ZipReader.Layout.endSignature)
        end.append32(0)
        end.append16(count)
        end.append16(count)
        end.append32(size)
        end.append32(offset)
        end.append16(0)
        return archive + directory + end.bytes
    }

    /// 2.0: deflate.
    private static let versionNeeded: UInt16 = 20
    private static let firstOfJanuary1980: UInt16 = 0x0021
}

private struct LittleEndianBytes {
    var bytes: [UInt8] = []

    mutating func append16(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func append32(_ value: UInt32) {
        append16(UInt16(truncatingIfNeeded: value))
        append16(UInt16(truncatingIfNeeded: value >> 16))
    }
}
