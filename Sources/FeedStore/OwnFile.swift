import Foundation

/// Files that a process makes for itself: private from their first byte if they are secret, never through a link that
/// somebody has planted, and whole or not there.
///
/// `O_EXCL` takes no name that is there, not even a dangling link; `O_NOFOLLOW` no link as the last part of a path
/// (open(2)). Both would be vain in a directory in which others may put names at any time: `checkFolder`.
package enum OwnFile {
    /// Makes a new file and writes it whole. Nothing is left of it if that fails.
    /// - Parameter mode: its permissions, less those that the process's mask takes away.
    /// - Throws: `StoreError`: `.inUse` if something of this name is there, `.full`, `.cannotOpen`, `.io`.
    package static func create(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(StoreError) {
        let file = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else {
            let number = errno
            if number == EEXIST { throw StoreError(.inUse, "\(path) exists already") }
            throw failure("\(path) cannot be made", number)
        }
        do throws(StoreError) {
            try fill(file, bytes, path)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Puts new content in the place of a file's: whoever reads it, also after a power cut, finds the old or the new.
    /// - Parameter mode: of a file that was not there; else its permissions stay.
    /// - Throws: `StoreError`: `.full`, `.cannotOpen`, `.io`. The old content stays then.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws(StoreError) {
        let draft = path + ".new"
        // Of a process that was killed, or a planted link: it is the name that goes, not what it leads to.
        unlink(draft)
        var former = stat()
        let isThere = lstat(path, &former) == 0 && former.st_mode & S_IFMT == S_IFREG
        try create(draft, bytes, mode: isThere ? former.st_mode & 0o777 : mode)
        guard rename(draft, path) == 0 else {
            let number = errno
            unlink(draft)
            throw failure("\(draft) cannot be renamed to \(path)", number)
        }
        // The new name is durable once the folder is.
        let folder = Foundation.open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// Writes what a user has named a place for: a file is replaced as a whole, a device or pipe is written to.
    /// - Throws: `StoreError`: `.full`, `.cannotOpen`, `.io`.
    package static func writeResult(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        var status = stat()
        // Through links: '/dev/stdout' is one.
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
            return try replace(path, with: bytes)
        }
        let file = Foundation.open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("\(path) cannot be written", errno) }
        try fill(file, bytes, path, isFile: false)
    }

    /// Some file systems say only at the end that there was no room for what was written.
    /// - Returns: why it is not there; nil also for pipes and terminals, which have nothing to synchronise.
    package static func lateFailure(ofWriting file: Int32) -> String? {
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, fsync(file) != 0 else { return nil }
        let number = errno
        return [ENOSPC, EDQUOT, EFBIG, EIO].contains(number) ? StoreError.text(number) : nil
    }

    /// Opens a file of this process's own that may be there, or makes it. Nothing of it is changed.
    /// - Returns: its descriptor, open for reading and writing.
    /// - Throws: `StoreError` with `.cannotOpen`, also if it is a link, no file, or has other names.
    package static func open(_ path: String, what: String, mode: UInt32) throws(StoreError) -> Int32 {
        let file = Foundation.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode)
        guard file >= 0 else {
            let number = errno
            if number == ELOOP { throw StoreError.cannotOpen("\(what) \(path) is a link: remove it") }
            let error = failure("\(what) \(path) cannot be opened", number)
            let advice = "check that its directory exists and that this user may read and write there"
            throw StoreError(error.code, "\(error.reason); \(advice)")
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw StoreError.cannotOpen("\(what) \(path) is no file: remove it")
        }
        return file
    }

    /// Refuses a name under which a link is.
    package static func refuseLink(_ path: String) throws(StoreError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        throw StoreError.cannotOpen("\(path) is a link: remove it")
    }

    /// Whether there is anything of this name, be it a link that leads nowhere.
    package static func isTaken(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Makes a directory that is its owner's alone from the beginning, and those above it; takes one that is there.
    package static func makeFolder(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) == 0 { return }
        let number = errno
        var status = stat()
        if number == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        let above = directory(of: path)
        guard number == ENOENT, above != path, above != "." else {
            throw failure("the directory \(path) cannot be made", number)
        }
        try makeFolder(above)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("the directory \(path) cannot be made", errno)
        }
    }

    /// Refuses a directory in which every user can put files and links, or whose own name every user can give to
    /// another directory.
    /// - Parameters:
    ///   - path: of a file in it.
    ///   - setting: that names the file.
    /// - Returns: a warning if a group can.
    /// - Throws: `StoreError` with `.cannotOpen`.
    package static func checkFolder(of path: String, setting: String) throws(StoreError) -> String? {
        let folder = resolved(directory(of: path))
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw StoreError.cannotOpen(
                "the directory \(folder) of \(path) (\(setting)) is not there: make it, mode 0700"
            )
        }
        if status.st_mode & 0o002 != 0 {
            throw StoreError.cannotOpen(
                "every user of this machine can write to \(folder), where \(path) is (\(setting)), and plant links there "
                    + "or put other files in the place of these: chmod o-w \(folder), or choose another directory"
            )
        }
        var above = folder
        while above != "/" {
            above = self.directory(of: above)
            var status = stat()
            guard stat(above, &status) == 0 else { break }
            // Under the sticky bit, as in /tmp, nobody renames what is another's (inode(7)).
            if status.st_mode & 0o002 != 0, status.st_mode & UInt32(S_ISVTX) == 0 {
                throw StoreError.cannotOpen(
                    "every user of this machine can write to \(above), above the directory of \(path) (\(setting)), and put "
                        + "another one in its place: chmod o-w \(above), or choose another directory"
                )
            }
        }
        guard status.st_mode & 0o020 != 0 else { return nil }
        return "the group of \(folder) can write to it, where \(path) is (\(setting)): chmod g-w \(folder)"
    }

    private static func fill(_ file: Int32, _ bytes: [UInt8], _ path: String, isFile: Bool = true) throws(StoreError) {
        var done = 0
        var number: Int32 = 0
        while done < bytes.count, number == 0 {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            if count > 0 { done += count } else if count == 0 || errno != EINTR { number = count == 0 ? EIO : errno }
        }
        if number == 0, isFile, fsync(file) != 0 { number = errno }
        // Some file systems say only now that there was no room.
        if close(file) != 0, number == 0, errno != EINTR { number = errno }
        guard number == 0 else { throw failure("\(path) cannot be written", number) }
    }

    private static func failure(_ what: String, _ number: Int32) -> StoreError {
        let text = "\(what): \(StoreError.text(number))"
        return switch number {
        case ENOSPC, EDQUOT, EFBIG: StoreError(.full, text)
        case EIO: StoreError(.io, text)
        default: StoreError.cannotOpen(text)
        }
    }

    /// The directory of a path, "." where it names none.
    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func resolved(_ path: String) -> String {
        guard let text = realpath(path, nil) else { return path }
        defer { free(text) }
        return String(cString: text)
    }
}
