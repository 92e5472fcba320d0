/// How a diagnosis became known. The order of the cases is the chain along which reports join: the higher rank wins
/// whole, so a confirmed test replaces a self-report and a revocation replaces everything.
public enum ReportType: UInt8, CaseIterable, Comparable, Sendable {
    case unknown = 0
    case recursive = 1
    case selfReport = 2
    case clinical = 3
    case confirmed = 4
    case revoked = 5

    public static func < (left: ReportType, right: ReportType) -> Bool { left.rawValue < right.rawValue }
}
