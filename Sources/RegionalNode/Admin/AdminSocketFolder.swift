internal import Glibc

/// The directory of the admin socket. Whoever can write to it can put a socket of his own in the place of the node's,
/// and be given archives and questions that were meant for the node.
enum AdminSocketFolder {
    /// - Throws: `NodeError` with `listen` if everybody may replace what is in it.
    /// - Returns: a warning if a group may.
    static func check(socket path: String) throws(NodeError) -> String? {
        let folder = folder(of: path)
        var information = Glibc.stat()
        // A directory that is not there is told by the listener.
        guard stat(folder, &information) == 0 else { return nil }
        // In a directory with the sticky bit, as /tmp, nobody replaces what is another's (inode(7)).
        guard information.st_mode & UInt32(S_ISVTX) == 0 else { return nil }
        if information.st_mode & 0o002 != 0 {
            throw NodeError(
                .listen,
                "every user of this machine can write to \(folder), where the admin socket is to be (setting "
                    + "'admin.socket'), and so replace it: chmod o-w \(folder), or choose another directory"
            )
        }
        guard information.st_mode & 0o020 != 0 else { return nil }
        return
            "the group of \(folder) can write to it, and so replace the admin socket that is in it: chmod g-w \(folder)"
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
