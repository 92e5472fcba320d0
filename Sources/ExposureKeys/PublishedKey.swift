/// What regions publish of an ill person's phone for a stretch of time, as far as merging and expiry must know it.
public protocol PublishedKey: Hashable, Sendable {
    /// What was used to broadcast: of Exposure Notification 16 bytes, of Bluezone 32.
    associatedtype Material: Hashable, Comparable, Sendable
    /// What two reports of the same form of a key have in common: material, rolling start and rolling period.
    associatedtype Identity: Hashable, Comparable, Sendable

    var material: Material { get }
    /// Everything that is said about the key besides its bytes.
    var metadata: KeyMetadata { get }
    /// Ascending identities ascend by material.
    var identity: Identity { get }

    /// The same form of the key under another report type.
    func with(reportType: ReportType) -> Self
}

extension DiagnosisKey: PublishedKey {
    public var material: KeyData { data }

    public func with(reportType: ReportType) -> DiagnosisKey {
        DiagnosisKey(data: data, metadata: metadata.with(reportType: reportType))
    }
}

extension KeyMetadata {
    /// Whether some interval belongs to the validity of both.
    func overlaps(_ other: KeyMetadata) -> Bool { rollingStart < other.end && other.rollingStart < end }
}
