import Foundation
import Synchronization

/// An exclusive lock on a file of its own. The kernel releases it when the process ends, however it ends; the file
/// stays and means nothing by itself.
final class FileLock: Sendable {
    /// nil once released.
    private let descriptor: Mutex<Int32?>

    /// Takes the lock or fails at once.
    /// - Parameters:
    ///   - path: of the lock file, created if missing, mode 0600. It holds the process ID of the last holder.
    ///   - guarded: the file that the lock protects, for messages.
    /// - Throws: `.inUse` if it is held, `.cannotOpen` if the file cannot be opened or locked.
    init(path: String, guarding guarded: String) throws(StoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError.cannotOpen(
                "the lock file \(path) cannot be opened: \(StoreError.text(errno)); "
                    + "check that its directory exists and that this user may write there"
            )
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            let holder = FileLock.holder(of: file)
            Foundation.close(file)
            if number == EWOULDBLOCK {
                throw StoreError(
                    .inUse,
                    "\(guarded) is in use by \(holder); stop it first, or give this node a store of its own"
                )
            }
            throw StoreError.cannotOpen(
                "the lock file \(path) cannot be locked: \(StoreError.text(number)); use a local file system"
            )
        }
        descriptor = Mutex(file)
        let text = Array("\(getpid())\n".utf8)
        // Only a help for messages: whoever cannot write it still holds the lock.
        if ftruncate(file, 0) == 0 { _ = pwrite(file, text, text.count, 0) }
    }

    deinit {
        release()
    }

    /// Gives the lock up. Doing so again does nothing.
    func release() {
        descriptor.withLock { descriptor in
            if let file = descriptor { Foundation.close(file) }
            descriptor = nil
        }
    }

    private static func holder(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "another process" : "process \(String(decoding: digits, as: UTF8.self))"
    }
}
