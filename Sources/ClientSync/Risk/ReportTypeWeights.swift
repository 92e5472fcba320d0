public import ExposureKeys

/// What a report counts for, by how the diagnosis became known. A revoked one counts for nothing, whatever is configured.
public struct ReportTypeWeights: Sendable, Equatable {
    /// Percent, 0...250.
    public let confirmedTest: Int
    public let confirmedClinicalDiagnosis: Int
    public let selfReport: Int
    public let recursive: Int
    /// As what a report of unknown type counts: neither unknown nor revoked.
    public let whenMissing: ReportType

    /// - Throws: `RiskConfigurationError` if a number lies outside or `whenMissing` is not one of the four.
    public init(
        confirmedTest: Int,
        confirmedClinicalDiagnosis: Int,
        selfReport: Int,
        recursive: Int,
        whenMissing: ReportType
    ) throws(RiskConfigurationError) {
        let weights = [confirmedTest, confirmedClinicalDiagnosis, selfReport, recursive]
        guard weights.allSatisfy(RiskConfiguration.weights.contains) else {
            throw RiskConfigurationError("report type weights are 0 to 250 percent")
        }
        guard whenMissing != .unknown, whenMissing != .revoked else {
            throw RiskConfigurationError(
                "reports of unknown type count as confirmed, clinical, self-report or recursive"
            )
        }
        self.init(checked: weights, whenMissing)
    }

    private init(checked weights: [Int], _ whenMissing: ReportType) {
        confirmedTest = weights[0]
        confirmedClinicalDiagnosis = weights[1]
        selfReport = weights[2]
        recursive = weights[3]
        self.whenMissing = whenMissing
    }

    /// As what a report counts; nil for a revoked one, which does not.
    public func counted(_ type: ReportType) -> ReportType? {
        switch type {
        case .revoked: nil
        case .unknown: whenMissing
        case .confirmed, .clinical, .selfReport, .recursive: type
        }
    }

    /// Percent.
    public func weight(of type: ReportType) -> Int {
        switch counted(type) {
        case .confirmed: confirmedTest
        case .clinical: confirmedClinicalDiagnosis
        case .selfReport: selfReport
        case .recursive: recursive
        case .unknown, .revoked, nil: 0
        }
    }

    /// As New Zealand published them (NZ COVID Tracer, `en-configuration.jsonc`), but for recursive reports: the API
    /// reserves those, and nobody was tested.
    public static let standard = ReportTypeWeights(checked: [100, 100, 100, 0], .confirmed)
}

extension ReportType {
    /// The name in JSON.
    var name: String {
        switch self {
        case .unknown: "unknown"
        case .recursive: "recursive"
        case .selfReport: "self-report"
        case .clinical: "clinical"
        case .confirmed: "confirmed"
        case .revoked: "revoked"
        }
    }

    init?(name: String) {
        guard let found = ReportType.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
