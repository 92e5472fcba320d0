internal import ExposureKeys
internal import HTTP2

/// The memory that an import takes, set aside before its archive is read: one that does not fit is refused, and the node
/// lives.
enum ImportMemory {
    /// Of the archive's size: itself twice, what it unpacks to, its keys, what is published of them. Measured by the peak of
    /// resident memory over imports of 0.6 to 7 MiB into an empty node: at most 9.4, which includes `least`.
    private static let factor = 10
    private static let least = 8 << 20
    /// For each key that the region has published and that is held: their merged state is made anew beside the old one.
    /// Measured over eight imports, up to 2.4 million keys: 28 bytes a key.
    private static let bytesPerKey = 40

    /// - Parameter keys: how many of the region are held.
    /// - Throws: `NodeError` with `importRefused`.
    static func setAside(
        for request: RequestHead,
        besides keys: Int,
        of memory: SharedMemory
    ) throws(NodeError) -> MemoryReservation {
        let said = request.fields["content-length"].flatMap { Int($0) } ?? AdminRoutes.archiveLimit
        let size = min(max(said, 0), AdminRoutes.archiveLimit)
        let wanted = least + factor * size + bytesPerKey * keys
        if let reservation = memory.reserve(wanted) { return reservation }
        let advice =
            wanted > memory.limit
            ? "raise the setting 'memory', and the memory that the system lets this node have, or split the archive"
            : "\(memory.total >> 20) MiB are in use now; import it again in a minute"
        throw NodeError(
            .importRefused,
            "an archive of \(size >> 10) KiB, beside \(keys.counted("key")) held, needs \(wanted >> 20) MiB of this node's "
                + "\(memory.limit >> 20) MiB for connections and imports: \(advice). Nothing was published"
        )
    }
}
