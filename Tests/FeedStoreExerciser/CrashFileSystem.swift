import Foundation
import GRDBSQLite

/// Puts a `CrashDisk` under SQLite, as the default file system of this process (https://sqlite.org/vfs.html). It
/// promises what SQLite's own for Unix promises: writes touch no byte beside them, and the first synchronisation of a
/// new log synchronises its directory. Locks always succeed: only one connection is open at a time.
final class CrashFileSystem {
    /// SQLITE_IOERR_DELETE_NOENT, a macro that is not imported.
    private static let noSuchFile = SQLITE_IOERR | 23 << 8

    /// The disk for files opened from now on.
    var disk = CrashDisk()
    private let name = strdup("crash")
    private let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)

    /// Registers it; for the life of the process.
    init() {
        vfs.initialize(to: sqlite3_vfs())
        guard let standard = sqlite3_vfs_find(nil) else { return }
        // Time, sleep and randomness stay those of the system.
        vfs.pointee = standard.pointee
        vfs.pointee.iVersion = 2
        vfs.pointee.szOsFile = CInt(CrashFileSystem.handleOffset + MemoryLayout<UnsafeMutableRawPointer>.size)
        vfs.pointee.pNext = nil
        vfs.pointee.zName = UnsafePointer(name)
        vfs.pointee.pAppData = Unmanaged.passRetained(self).toOpaque()
        vfs.pointee.xOpen = { vfs, name, file, flags, granted in
            CrashFileSystem.open(vfs, name, file, flags, granted)
        }
        vfs.pointee.xDelete = { vfs, name, synchronise in
            guard let disk = CrashFileSystem.disk(of: vfs), let name else { return SQLITE_IOERR }
            let path = String(cString: name)
            guard disk.file(path) != nil else { return disk.isDead ? SQLITE_IOERR : CrashFileSystem.noSuchFile }
            return disk.remove(path, synchronisingDirectory: synchronise != 0) ? SQLITE_OK : SQLITE_IOERR
        }
        vfs.pointee.xAccess = { vfs, name, _, result in
            guard let disk = CrashFileSystem.disk(of: vfs), let name, !disk.isDead else { return SQLITE_IOERR }
            result?.pointee = disk.file(String(cString: name)) == nil ? 0 : 1
            return SQLITE_OK
        }
        vfs.pointee.xFullPathname = { _, name, size, result in
            guard let name, let result, strlen(name) < Int(size) else { return SQLITE_CANTOPEN }
            strcpy(result, name)
            return SQLITE_OK
        }
        sqlite3_vfs_register(vfs, 1)
    }

    /// Where, in SQLite's own structure for a file, the handle lies.
    private static let handleOffset = MemoryLayout<sqlite3_file>.stride
    /// Read by SQLite through C pointers for as long as the process lives; never changed.
    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: CrashFile.methods)
        return methods
    }()

    private static func disk(of vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> CrashDisk? {
        guard let data = vfs?.pointee.pAppData else { return nil }
        return Unmanaged<CrashFileSystem>.fromOpaque(data).takeUnretainedValue().disk
    }

    private static func open(
        _ vfs: UnsafeMutablePointer<sqlite3_vfs>?,
        _ name: sqlite3_filename?,
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ flags: CInt,
        _ granted: UnsafeMutablePointer<CInt>?
    ) -> CInt {
        guard let file, let disk = disk(of: vfs) else { return SQLITE_CANTOPEN }
        file.pointee.pMethods = nil
        guard !disk.isDead else { return SQLITE_CANTOPEN }
        let handle: CrashFile
        if let name {
            let path = String(cString: name)
            if let known = disk.file(path) {
                handle = CrashFile(known, on: disk)
            } else {
                guard flags & SQLITE_OPEN_CREATE != 0, let new = disk.create(path) else { return SQLITE_CANTOPEN }
                handle = CrashFile(new, on: disk)
                handle.synchronisesDirectory = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL) != 0
            }
        } else {
            // A temporary file: gone with its process.
            handle = CrashFile(CrashDisk.File(), on: CrashDisk())
        }
        UnsafeMutableRawPointer(file)
            .storeBytes(
                of: Unmanaged.passRetained(handle).toOpaque(),
                toByteOffset: handleOffset,
                as: UnsafeMutableRawPointer.self
            )
        file.pointee.pMethods = UnsafePointer(methods)
        granted?.pointee = flags
        return SQLITE_OK
    }

    /// The handle of a file that is open.
    static func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Unmanaged<CrashFile>? {
        guard let file else { return nil }
        let raw = UnsafeMutableRawPointer(file).load(fromByteOffset: handleOffset, as: UnsafeMutableRawPointer.self)
        return Unmanaged<CrashFile>.fromOpaque(raw)
    }
}
