/// How infectious the person was on a key's day.
public enum Infectiousness: Int, Sendable, CaseIterable, Comparable {
    case none = 0
    case standard = 1
    case high = 2

    public static func < (left: Infectiousness, right: Infectiousness) -> Bool { left.rawValue < right.rawValue }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .none: "none"
        case .standard: "standard"
        case .high: "high"
        }
    }

    public init?(name: String) {
        guard let found = Infectiousness.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// From days since onset to infectiousness, for each of the days -14...14 and for keys of which they are not known.
public struct InfectiousnessMap: Sendable, Equatable {
    /// Ascending, each once.
    public let standard: [Int]
    public let high: [Int]
    /// For keys that state no day that could be looked up.
    public let whenUnknown: Infectiousness

    /// Days that are in neither list are not infectious.
    /// - Throws: `RiskConfigurationError` if a day is not -14...14 or named twice.
    public init(
        standard: [Int],
        high: [Int],
        whenUnknown: Infectiousness
    ) throws(RiskConfigurationError) {
        let all = (standard + high).sorted()
        guard all.allSatisfy(OnsetKnowledge.days.contains) else {
            throw RiskConfigurationError("days since onset are -14 to 14; correct the map to infectiousness")
        }
        guard zip(all, all.dropFirst()).allSatisfy({ $0 != $1 }) else {
            throw RiskConfigurationError("a day since onset is named twice; leave it in one list only")
        }
        self.init(checked: standard.sorted(), high.sorted(), whenUnknown)
    }

    private init(checked standard: [Int], _ high: [Int], _ whenUnknown: Infectiousness) {
        self.standard = standard
        self.high = high
        self.whenUnknown = whenUnknown
    }

    public func infectiousness(of onset: OnsetKnowledge) -> Infectiousness {
        guard let days = onset.assumedDays else { return whenUnknown }
        return high.contains(days) ? .high : standard.contains(days) ? .standard : .none
    }

    /// The curve that the Risk Score Symposium published in 2021 ("v2 symptom onset map"). Keys that state no onset count
    /// in full: our own decision, since a warning too many costs a test.
    public static let symposium = InfectiousnessMap(checked: [-4, -3, 4, 5], [-2, -1, 0, 1, 2, 3], .high)
}
