internal import CoreMetrics

/// A route as metrics name it: never a path, which a client chooses.
package enum RouteName: Int, CaseIterable, Sendable {
    case index
    case indexOf
    case settled
    case roster
    case health
    case range
    case hashes
    case frontier
    case link
    /// Whatever is no route.
    case other

    var label: String {
        switch self {
        case .index: "index"
        case .indexOf: "index_of_region"
        case .settled: "settled"
        case .roster: "roster"
        case .health: "health"
        case .range: "range"
        case .hashes: "hashes"
        case .frontier: "frontier"
        case .link: "link"
        case .other: "other"
        }
    }
}

/// Counts requests by route. Handles are made once; counting is an atomic addition or two.
package struct RequestMetrics: Sendable {
    /// A class: counting then touches one reference instead of one for each handle.
    private final class Route: Sendable {
        let requests: Counter
        let bytes: Counter
        let notModified: Counter
        let clientErrors: Counter
        let serverErrors: Counter
        let time: CoreMetrics.Timer

        init(_ name: RouteName, _ registry: MetricsRegistry) {
            let labels = [("route", name.label)]
            func counter(_ name: MetricName) -> Counter {
                Counter(label: name.rawValue, dimensions: labels, factory: registry)
            }
            requests = counter(.requests)
            bytes = counter(.responseBytes)
            notModified = counter(.notModified)
            clientErrors = counter(.clientErrors)
            serverErrors = counter(.serverErrors)
            time = CoreMetrics.Timer(label: MetricName.answerTime.rawValue, dimensions: labels, factory: registry)
        }
    }

    private let routes: [Route]

    package init(_ registry: MetricsRegistry) {
        routes = RouteName.allCases.map { Route($0, registry) }
    }

    /// One request was answered, or its head was.
    /// - Parameter bytes: of the body, as far as it is known.
    package func answered(_ route: RouteName, status: Int, bytes: Int) {
        let metrics = routes[route.rawValue]
        metrics.requests.increment()
        if bytes > 0 { metrics.bytes.increment(by: Int64(bytes)) }
        if status >= 300 { count(status, metrics) }
    }

    private func count(_ status: Int, _ metrics: Route) {
        switch status {
        case 304: metrics.notModified.increment()
        case 400..<500: metrics.clientErrors.increment()
        case 500..<600: metrics.serverErrors.increment()
        default: break
        }
    }

    /// An answer by a task took so long.
    package func took(_ route: RouteName, _ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        routes[route.rawValue].time.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
