package import CoreMetrics
internal import Synchronization

/// A backend of swift-metrics that keeps every metric of one node and writes all of them as text when asked. Recording
/// takes no lock of the registry: handles are made once and kept by whoever records.
package final class MetricsRegistry: MetricsFactory {
    private struct Family {
        let kind: PrometheusText.Kind
        /// By the text of their labels.
        var series: [String: any MetricValue] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var seriesCount = 0
    }

    /// Series of all metrics together. Labels are routes and regions, so a full roster of 4096 regions has its place;
    /// what comes beyond is counted but not shown.
    package static let seriesLimit = 32_768

    private let help: [String: String]
    private let state = Mutex(State())

    /// - Parameter help: what each metric says, by name.
    package init(help: [String: String]) {
        self.help = help
    }

    /// All metrics, by name and then by labels.
    package var text: String {
        let families = state.withLock { $0.families }
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.begin(name, family.kind, help: help[name] ?? name)
            for (labels, value) in family.series.sorted(by: { $0.key < $1.key }) {
                value.write(name, labels: labels, to: &text)
            }
        }
        return text.text
    }

    /// Names of all metrics, ascending.
    package var names: [String] { state.withLock { $0.families.keys.sorted() } }

    /// Forgets the series of `name` whose labels are not among `kept`: regions leave.
    package func retain(_ name: String, _ kept: [[(String, String)]]) {
        let kept = Set(kept.map { PrometheusText.labels($0) })
        state.withLock { state in
            guard var family = state.families.removeValue(forKey: name) else { return }
            let before = family.series.count
            family.series = family.series.filter { kept.contains($0.key) }
            state.seriesCount -= before - family.series.count
            state.families[name] = family
        }
    }

    /// The series with this name and these labels, made if there is none. One that has no place, or bears the name of
    /// a metric of another kind, works but is not shown.
    private func series<Value: MetricValue>(
        _ name: String,
        _ dimensions: [(String, String)],
        _ make: () -> Value
    ) -> Value {
        let labels = PrometheusText.labels(dimensions)
        return state.withLock { state in
            if let known = state.families[name]?.series[labels] as? Value { return known }
            let value = make()
            guard state.seriesCount < MetricsRegistry.seriesLimit,
                state.families[name].map({ $0.kind == value.kind && $0.series[labels] == nil }) ?? true
            else { return value }
            state.families[name, default: Family(kind: value.kind)].series[labels] = value
            state.seriesCount += 1
            return value
        }
    }
}

// MARK: - What swift-metrics asks for

extension MetricsRegistry {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) { CounterValue() }
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)])
        -> any FloatingPointCounterHandler
    {
        series(label, dimensions) { SumValue() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { GaugeValue() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return series(label, dimensions) { HistogramValue() } }
        return series(label, dimensions) { GaugeValue() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { HistogramValue() }
    }

    // Metrics live as long as the node; regions that leave go by `retain`.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
