import Foundation
import Synchronization

/// An exclusive lock on a file of its own, and on the file that it protects: the first names its holder, the second
/// holds even if the file is moved or the first is deleted. The kernel releases both when the process ends, however it
/// ends; the lock file stays and means nothing by itself.
final class FileLock: Sendable {
    /// None once released.
    private let descriptors: Mutex<[Int32]>

    /// Takes the lock or fails at once.
    /// - Parameters:
    ///   - path: of the lock file, created if missing, mode 0600. It holds the process ID of the last holder.
    ///   - guarded: the file that the lock protects, for messages.
    /// - Throws: `.inUse` if it is held, `.cannotOpen` if the file cannot be opened or locked.
    init(path: String, guarding guarded: String) throws(StoreError) {
        let file = try OwnFile.open(path, what: "the lock file", mode: 0o600)
        try FileLock.take(file, holder: file, path: path, guarding: guarded)
        descriptors = Mutex([file])
        let text = Array("\(getpid())\n".utf8)
        // Only a help for messages: whoever cannot write it still holds the lock.
        if ftruncate(file, 0) == 0 { _ = pwrite(file, text, text.count, 0) }
    }

    /// Locks the protected file itself as well. SQLite's own locks are of another kind, but closing any descriptor of
    /// the file would drop them: so this comes before SQLite opens the file, and `release` after it has closed it.
    /// - Throws: `.inUse` if it is held under another name, `.cannotOpen` if the file has several names: SQLite keeps
    ///   its log beside the name it is given, so under another one commits would be missing.
    func extend(to guarded: String) throws(StoreError) {
        let file = open(guarded, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            throw StoreError.cannotOpen("\(guarded) cannot be opened: \(StoreError.text(errno))")
        }
        var status = stat()
        let isKnown = fstat(file, &status) == 0
        try FileLock.take(file, holder: nil, path: guarded, guarding: guarded)
        guard isKnown, status.st_nlink == 1 else {
            Foundation.close(file)
            throw StoreError.cannotOpen(
                "\(guarded) has \(status.st_nlink) names (hard links), and what was stored last may lie beside another one; "
                    + "remove the names that no node has used"
            )
        }
        descriptors.withLock { $0.append(file) }
    }

    deinit {
        release()
    }

    /// Gives the lock up. Doing so again does nothing.
    func release() {
        descriptors.withLock { descriptors in
            // Said, too, and not only closed: a child process that is just being made has the descriptors as well.
            for file in descriptors {
                flock(file, LOCK_UN)
                Foundation.close(file)
            }
            descriptors = []
        }
    }

    /// Locks an open file, or closes it and throws.
    /// - Parameter holder: open file that holds the process ID of the holder, if there is one.
    private static func take(
        _ file: Int32,
        holder: Int32?,
        path: String,
        guarding guarded: String
    ) throws(StoreError) {
        if flock(file, LOCK_EX | LOCK_NB) == 0 { return }
        let number = errno
        let name = holder.map { FileLock.holder(of: $0) } ?? "another process, under another name"
        Foundation.close(file)
        if number == EWOULDBLOCK {
            throw StoreError(
                .inUse,
                "\(guarded) is in use by \(name); stop it first, or give this node a store of its own"
            )
        }
        throw StoreError.cannotOpen("\(path) cannot be locked: \(StoreError.text(number)); use a local file system")
    }

    private static func holder(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "another process" : "process \(String(decoding: digits, as: UTF8.self))"
    }
}
