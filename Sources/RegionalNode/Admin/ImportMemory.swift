internal import HTTP2

/// The memory that an import takes, set aside before its archive is read: one that does not fit is refused, and the node
/// lives.
enum ImportMemory {
    /// Of the archive's size: itself twice, what it unpacks to, its keys, what is published of them. An estimate.
    private static let factor = 16
    private static let least = 8 << 20

    /// - Throws: `NodeError` with `importRefused`.
    static func setAside(for request: RequestHead, of memory: SharedMemory) throws(NodeError) -> MemoryReservation {
        let said = request.fields["content-length"].flatMap { Int($0) } ?? AdminRoutes.archiveLimit
        let size = min(max(said, 0), AdminRoutes.archiveLimit)
        let wanted = least + factor * size
        if let reservation = memory.reserve(wanted) { return reservation }
        let advice =
            wanted > memory.limit
            ? "raise the setting 'memory', and the memory that the system lets this node have, or split the archive"
            : "\(memory.total >> 20) MiB are in use now; import it again in a minute"
        throw NodeError(
            .importRefused,
            "an archive of \(size >> 10) KiB needs \(wanted >> 20) MiB of this node's \(memory.limit >> 20) MiB for connections "
                + "and imports: \(advice). Nothing was published"
        )
    }
}
