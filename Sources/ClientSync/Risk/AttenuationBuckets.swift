/// How near, as the Exposure Notification API tells it.
public enum AttenuationBucket: Int, Sendable, CaseIterable, Comparable {
    case immediate = 0
    case near = 1
    case medium = 2
    case other = 3

    public static func < (left: AttenuationBucket, right: AttenuationBucket) -> Bool { left.rawValue < right.rawValue }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .immediate: "immediate"
        case .near: "near"
        case .medium: "medium"
        case .other: "other"
        }
    }

    public init?(name: String) {
        guard let found = AttenuationBucket.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// The bounds between buckets, and what a second in each of them weighs.
public struct AttenuationBuckets: Sendable, Equatable {
    /// Greatest attenuation of immediate, near and medium, in dB, 0...255, ascending.
    public let thresholds: [Int]
    /// Weight of immediate, near, medium and other in percent, 0...250.
    public let weights: [Int]

    /// - Throws: `RiskConfigurationError` if a number lies outside, is missing, or the thresholds do not ascend.
    public init(thresholds: [Int], weights: [Int]) throws(RiskConfigurationError) {
        guard thresholds.count == 3, thresholds.allSatisfy(SignalStrength.attenuations.contains),
            zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw RiskConfigurationError(
                "attenuation thresholds are three, 0 to 255 dB, each greater than the one before"
            )
        }
        guard weights.count == 4, weights.allSatisfy(RiskConfiguration.weights.contains) else {
            throw RiskConfigurationError("attenuation weights are four, 0 to 250 percent")
        }
        self.init(checked: thresholds, weights)
    }

    private init(checked thresholds: [Int], _ weights: [Int]) {
        self.thresholds = thresholds
        self.weights = weights
    }

    public func bucket(of attenuation: Int) -> AttenuationBucket {
        let position = thresholds.firstIndex { attenuation <= $0 } ?? thresholds.count
        return AttenuationBucket(rawValue: position) ?? .other
    }

    /// Percent.
    public func weight(of attenuation: Int) -> Int { weights[bucket(of: attenuation).rawValue] }

    /// "Narrow Net v2" of the Risk Score Symposium, 2021.
    public static let symposium = AttenuationBuckets(checked: [55, 67, 75], [175, 100, 33, 0])
}
