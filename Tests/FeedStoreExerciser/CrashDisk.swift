import TestSupport

/// A disk in memory that knows what a power cut may take: everything written to a file since that file was last
/// synchronised, in any subset and in part, and names made or removed since their directory was.
final class CrashDisk {
    enum Change {
        case write(offset: Int, [UInt8])
        case truncate(Int)
    }

    final class File {
        /// What a reader sees.
        fileprivate(set) var content: [UInt8] = []
        /// What is sure to be there after a power cut.
        fileprivate var durable: [UInt8] = []
        /// The way from `durable` to `content`.
        fileprivate var pending: [Change] = []
    }

    /// Operations that change the disk until its power is cut; nil for never.
    var fuse: Int?
    /// Its power has been cut: every operation fails from here on.
    private(set) var isDead = false
    private var names: [String: File] = [:]
    private var durableNames: [String: File] = [:]

    /// - Returns: false if there is no power for it.
    private func spend() -> Bool {
        guard !isDead, let fuse else { return !isDead }
        self.fuse = fuse - 1
        isDead = fuse <= 1
        return !isDead
    }

    func file(_ name: String) -> File? { names[name] }

    /// - Returns: nil if power is gone; the name may be there nevertheless.
    func create(_ name: String) -> File? {
        guard !isDead else { return nil }
        let file = File()
        names[name] = file
        return spend() ? file : nil
    }

    /// The methods below return false if power is gone; what they were to do may have been done in part.
    func remove(_ name: String, synchronisingDirectory: Bool) -> Bool {
        guard !isDead else { return false }
        names[name] = nil
        guard spend() else { return false }
        if synchronisingDirectory { durableNames = names }
        return true
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int, to file: File) -> Bool {
        change(file, .write(offset: offset, Array(bytes)))
    }

    func truncate(_ file: File, to size: Int) -> Bool {
        change(file, .truncate(size))
    }

    private func change(_ file: File, _ change: Change) -> Bool {
        guard !isDead else { return false }
        file.pending.append(change)
        change.apply(to: &file.content)
        return spend()
    }

    func synchronise(_ file: File, andDirectory: Bool) -> Bool {
        guard spend() else { return false }
        for change in file.pending { change.apply(to: &file.durable) }
        file.pending = []
        if andDirectory { durableNames = names }
        return true
    }

    /// Cuts the power, if it is not cut yet.
    /// - Returns: the disk as it is found when power is back.
    func restarted(_ random: inout SplitMix64) -> CrashDisk {
        isDead = true
        let survival = Survival.random(&random)
        let disk = CrashDisk()
        for name in Set(names.keys).union(durableNames.keys).sorted() {
            let (now, before) = (names[name], durableNames[name])
            let file = now === before || Bool.random(using: &random) ? now : before
            guard let file else { continue }
            let found = File()
            found.durable = survival.content(file.durable, file.pending, &random)
            found.content = found.durable
            disk.names[name] = found
        }
        disk.durableNames = disk.names
        return disk
    }
}

extension CrashDisk.Change {
    fileprivate func apply(to content: inout [UInt8]) {
        switch self {
        case .write(let offset, let bytes):
            if content.count < offset + bytes.count {
                content.append(contentsOf: repeatElement(0, count: offset + bytes.count - content.count))
            }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .truncate(let size):
            if size < content.count { content.removeLast(content.count - size) }
        }
    }
}

/// Which of the changes that were never synchronised are found after a power cut.
private enum Survival {
    case nothing
    case everything
    /// Those before some moment, and a part of the next.
    case prefix
    /// Each sector by itself, with this chance in 256; where `isTorn`, a sector may end in the middle.
    case sectors(size: Int, chance: UInt64, isTorn: Bool)

    static func random(_ random: inout SplitMix64) -> Survival {
        switch random.next() % 8 {
        case 0: .nothing
        case 1: .everything
        case 2, 3: .prefix
        default:
            .sectors(
                size: random.next() % 2 == 0 ? 512 : 4096,
                chance: [8, 64, 128, 192, 248][Int(random.next() % 5)],
                isTorn: random.next() % 2 == 0
            )
        }
    }

    func content(_ durable: [UInt8], _ pending: [CrashDisk.Change], _ random: inout SplitMix64) -> [UInt8] {
        var content = durable
        for change in kept(pending, &random) { change.apply(to: &content) }
        return content
    }

    private func kept(_ pending: [CrashDisk.Change], _ random: inout SplitMix64) -> [CrashDisk.Change] {
        switch self {
        case .nothing: return []
        case .everything: return pending
        case .prefix:
            guard !pending.isEmpty else { return [] }
            let whole = Int.random(in: 0..<pending.count, using: &random)
            guard case .write(let offset, let bytes) = pending[whole] else { return Array(pending[..<whole]) }
            let part = bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
            return pending[..<whole] + [.write(offset: offset, Array(part))]
        case .sectors(let size, let chance, let isTorn):
            return pending.flatMap { change -> [CrashDisk.Change] in
                guard case .write(let offset, let bytes) = change else {
                    return random.next() % 256 < chance ? [change] : []
                }
                return Survival.sectors(of: bytes, at: offset, size).filter { _ in random.next() % 256 < chance }
                    .map { start, part in
                        let count = isTorn ? Int.random(in: 0...part.count, using: &random) : part.count
                        return .write(offset: start, Array(part.prefix(count)))
                    }
            }
        }
    }

    /// The parts of a write that fall into one sector each, with their offsets.
    private static func sectors(of bytes: [UInt8], at offset: Int, _ size: Int) -> [(Int, ArraySlice<UInt8>)] {
        var parts: [(Int, ArraySlice<UInt8>)] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + size - (offset + start) % size)
            parts.append((offset + start, bytes[start..<end]))
            start = end
        }
        return parts
    }
}
