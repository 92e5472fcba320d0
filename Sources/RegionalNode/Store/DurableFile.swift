internal import FeedStore

/// A file that is replaced as a whole: whoever reads it, also after a power cut, finds the old or the new content.
enum DurableFile {
    /// - Throws: `NodeError` with `file`.
    static func replace(_ path: String, with bytes: [UInt8]) throws(NodeError) {
        do throws(StoreError) {
            try OwnFile.replace(path, with: bytes)
        } catch {
            throw NodeError(.file, error.reason)
        }
    }
}
