internal import Foundation

/// A file that is replaced as a whole: whoever reads it, also after a power cut, finds the old or the new content.
enum DurableFile {
    /// - Throws: `NodeError` with `file`.
    static func replace(_ path: String, with bytes: [UInt8]) throws(NodeError) {
        let draft = path + ".new"
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: draft))
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: draft))
            try file.synchronize()
            try file.close()
        } catch {
            throw NodeError(.file, "\(draft) cannot be written: \(error.localizedDescription)")
        }
        guard rename(draft, path) == 0 else {
            throw NodeError(.file, "\(draft) cannot be renamed to \(path): \(String(cString: strerror(errno)))")
        }
        // The new name is durable once the folder is.
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}
