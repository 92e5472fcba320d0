import Foundation
import GRDBSQLite

/// A file of a `CrashDisk` that SQLite has open, with the shared memory of a write-ahead log.
final class CrashFile {
    /// SQLITE_IOERR_SHORT_READ, a macro that is not imported.
    private static let shortRead = SQLITE_IOERR | 2 << 8

    private let file: CrashDisk.File
    private let disk: CrashDisk
    /// The next synchronisation is also one of the directory.
    var synchronisesDirectory = false
    private var shared: [UnsafeMutableRawPointer] = []

    init(_ file: CrashDisk.File, on disk: CrashDisk) {
        self.file = file
        self.disk = disk
    }

    deinit {
        shared.forEach { free($0) }
    }

    private func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> CInt {
        guard !disk.isDead else { return SQLITE_IOERR }
        let end = min(offset + buffer.count, file.content.count)
        let count = max(0, end - offset)
        if count > 0 { buffer.copyBytes(from: file.content[offset..<end]) }
        guard count < buffer.count else { return SQLITE_OK }
        buffer[count...].initializeMemory(as: UInt8.self, repeating: 0)
        return CrashFile.shortRead
    }

    private func synchronise() -> CInt {
        guard disk.synchronise(file, andDirectory: synchronisesDirectory) else { return SQLITE_IOERR }
        synchronisesDirectory = false
        return SQLITE_OK
    }

    /// A page of shared memory, made if `isExtending`.
    private func sharedPage(_ number: Int, size: Int, isExtending: Bool) -> UnsafeMutableRawPointer? {
        while isExtending, shared.count <= number, let page = calloc(1, size) { shared.append(page) }
        return number < shared.count ? shared[number] : nil
    }

    private static func with(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ body: (CrashFile) -> CInt
    ) -> CInt {
        guard let handle = CrashFileSystem.handle(file) else { return SQLITE_MISUSE }
        return body(handle.takeUnretainedValue())
    }

    /// Version 2: shared memory, no memory mapping.
    static let methods: sqlite3_io_methods = {
        var methods = sqlite3_io_methods()
        methods.iVersion = 2
        methods.xClose = { file in
            CrashFileSystem.handle(file)?.release()
            return SQLITE_OK
        }
        methods.xRead = { file, buffer, count, offset in
            with(file) { $0.read(UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)), at: Int(offset)) }
        }
        methods.xWrite = { file, bytes, count, offset in
            with(file) { handle in
                let bytes = UnsafeRawBufferPointer(start: bytes, count: Int(count))
                return handle.disk.write(bytes, at: Int(offset), to: handle.file) ? SQLITE_OK : SQLITE_IOERR
            }
        }
        methods.xTruncate = { file, size in
            with(file) { $0.disk.truncate($0.file, to: Int(size)) ? SQLITE_OK : SQLITE_IOERR }
        }
        methods.xSync = { file, _ in with(file) { $0.synchronise() } }
        methods.xFileSize = { file, size in
            with(file) { handle in
                size?.pointee = sqlite3_int64(handle.file.content.count)
                return handle.disk.isDead ? SQLITE_IOERR : SQLITE_OK
            }
        }
        methods.xLock = { _, _ in SQLITE_OK }
        methods.xUnlock = { _, _ in SQLITE_OK }
        methods.xCheckReservedLock = { _, result in
            result?.pointee = 0
            return SQLITE_OK
        }
        methods.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        methods.xSectorSize = { _ in 4096 }
        methods.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
        methods.xShmMap = { file, number, size, extends, result in
            with(file) { handle in
                result?.pointee = handle.sharedPage(Int(number), size: Int(size), isExtending: extends != 0)
                return handle.disk.isDead ? SQLITE_IOERR : SQLITE_OK
            }
        }
        methods.xShmLock = { _, _, _, _ in SQLITE_OK }
        methods.xShmBarrier = { _ in }
        methods.xShmUnmap = { file, _ in
            with(file) { handle in
                handle.shared.forEach { free($0) }
                handle.shared = []
                return SQLITE_OK
            }
        }
        return methods
    }()
}
