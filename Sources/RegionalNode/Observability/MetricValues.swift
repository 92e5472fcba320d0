internal import CoreMetrics
internal import Synchronization

/// What one series holds, and how it is written.
protocol MetricValue: AnyObject, Sendable {
    var kind: PrometheusText.Kind { get }
    func write(_ name: String, labels: String, to text: inout PrometheusText)
}

/// A count that only grows.
final class CounterValue: CounterHandler, MetricValue {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(max(0, amount), ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    var kind: PrometheusText.Kind { .counter }

    func write(_ name: String, labels: String, to text: inout PrometheusText) {
        text.sample(name, labels: labels, value.load(ordering: .relaxed))
    }
}

/// A sum of fractions that only grows.
final class SumValue: FloatingPointCounterHandler, MetricValue {
    private let value = Mutex(0.0)

    func increment(by amount: Double) {
        guard amount.isFinite, amount > 0 else { return }
        value.withLock { $0 += amount }
    }

    func reset() { value.withLock { $0 = 0 } }

    var kind: PrometheusText.Kind { .counter }

    func write(_ name: String, labels: String, to text: inout PrometheusText) {
        text.sample(name, labels: labels, PrometheusText.number(value.withLock { $0 }))
    }
}

/// A value that goes up and down; of a recorder the last one recorded.
final class GaugeValue: MeterHandler, RecorderHandler, MetricValue {
    private let value = Mutex(0.0)

    func set(_ new: Int64) { set(Double(new)) }
    func set(_ new: Double) { value.withLock { $0 = new } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ new: Int64) { set(Double(new)) }
    func record(_ new: Double) { set(new) }

    var kind: PrometheusText.Kind { .gauge }

    func write(_ name: String, labels: String, to text: inout PrometheusText) {
        text.sample(name, labels: labels, PrometheusText.number(value.withLock { $0 }))
    }
}

/// A distribution in fixed buckets: times in seconds, or whatever a recorder is given.
final class HistogramValue: TimerHandler, RecorderHandler, MetricValue {
    /// Upper bounds, ascending: from what memory answers in to what a person no longer waits for.
    static let bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]

    private struct State {
        var counts = [Int64](repeating: 0, count: HistogramValue.bounds.count)
        var count: Int64 = 0
        var sum = 0.0
    }

    private let state = Mutex(State())

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        state.withLock { state in
            state.count += 1
            state.sum += value
            if let bucket = Self.bounds.firstIndex(where: { value <= $0 }) { state.counts[bucket] += 1 }
        }
    }

    var kind: PrometheusText.Kind { .histogram }

    func write(_ name: String, labels: String, to text: inout PrometheusText) {
        let state = state.withLock { $0 }
        let separator = labels.isEmpty ? "" : ","
        var below: Int64 = 0
        for (bound, count) in zip(Self.bounds, state.counts) {
            below += count
            let bucket = "\(labels)\(separator)le=\"\(PrometheusText.number(bound))\""
            text.sample("\(name)_bucket", labels: bucket, below)
        }
        text.sample("\(name)_bucket", labels: "\(labels)\(separator)le=\"+Inf\"", state.count)
        text.sample("\(name)_sum", labels: labels, PrometheusText.number(state.sum))
        text.sample("\(name)_count", labels: labels, state.count)
    }
}
