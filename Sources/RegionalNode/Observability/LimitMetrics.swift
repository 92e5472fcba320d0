internal import CoreMetrics
internal import HTTP2

/// How often peers met each limit of the transport: a metric for each, over all listeners and connections to others.
struct LimitMetrics: Sendable {
    private let counters: [TransportLimit: Counter]

    init(_ registry: MetricsRegistry) {
        let counters = TransportLimit.allCases.map { limit in
            (limit, Counter(label: LimitMetrics.name(of: limit), factory: registry))
        }
        self.counters = Dictionary(uniqueKeysWithValues: counters)
    }

    func reached(_ limit: TransportLimit) {
        counters[limit]?.increment()
    }

    static func name(of limit: TransportLimit) -> String { "keytide_limit_\(limit.rawValue)_total" }

    /// What each metric says, by name.
    static var help: [String: String] {
        Dictionary(
            uniqueKeysWithValues: TransportLimit.allCases.map { limit in
                (name(of: limit), "Times that a peer met the limit \(limit.rawValue.replacing("_", with: " ")).")
            }
        )
    }
}
