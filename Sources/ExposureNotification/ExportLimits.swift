/// Bounds on what reading one export archive may cost. The author of an archive controls every size in it, and is
/// unknown until its signature is checked.
public struct ExportLimits: Sendable {
    /// Bytes of the two members together after inflation, as declared and as found.
    public var inflatedBytes: Int
    /// Keys in one archive, rejected ones included. Servers publish at most 500,000 or 600,000 in a file.
    public var keys: Int
    /// Signatures in `export.sig`, and signature infos in `export.bin`. The format allows ten.
    public var signatures: Int

    public init(inflatedBytes: Int = 64 << 20, keys: Int = 1_000_000, signatures: Int = 10) {
        self.inflatedBytes = inflatedBytes
        self.keys = keys
        self.signatures = signatures
    }

    public static let standard = ExportLimits()
}
