import CoreMetrics
import RegionalNode
import Testing

@Suite struct MetricsRegistryTests {
    private let registry = MetricsRegistry(help: ["asked_total": "Requests.", "held": "Two\nlines \\ here."])

    @Test func countsAndValuesAreWrittenInOrder() {
        Counter(label: "asked_total", dimensions: [("route", "roster")], factory: registry).increment()
        Counter(label: "asked_total", dimensions: [("route", "index")], factory: registry).increment(by: 41)
        Counter(label: "asked_total", dimensions: [("route", "index")], factory: registry).increment()
        Gauge(label: "held", factory: registry).record(12.5)
        Meter(label: "level", factory: registry).set(-3)
        #expect(
            registry.text == """
                # HELP asked_total Requests.
                # TYPE asked_total counter
                asked_total{route="index"} 42
                asked_total{route="roster"} 1
                # HELP held Two\\nlines \\\\ here.
                # TYPE held gauge
                held 12.5
                # HELP level level
                # TYPE level gauge
                level -3

                """
        )
    }

    @Test func distributionsAreCumulative() {
        let timer = CoreMetrics.Timer(label: "took_seconds", dimensions: [("route", "range")], factory: registry)
        // Fractions that add up exactly.
        for microseconds in [0, 15_625, 62_500, 62_500, 750_000, 20_000_000] {
            timer.recordMicroseconds(Int64(microseconds))
        }
        let lines = registry.text.split(separator: "\n").dropFirst(2).map(String.init)
        #expect(
            lines == [
                "took_seconds_bucket{route=\"range\",le=\"0.001\"} 1",
                "took_seconds_bucket{route=\"range\",le=\"0.005\"} 1",
                "took_seconds_bucket{route=\"range\",le=\"0.025\"} 2",
                "took_seconds_bucket{route=\"range\",le=\"0.1\"} 4",
                "took_seconds_bucket{route=\"range\",le=\"0.5\"} 4",
                "took_seconds_bucket{route=\"range\",le=\"2.5\"} 5",
                "took_seconds_bucket{route=\"range\",le=\"10\"} 5",
                "took_seconds_bucket{route=\"range\",le=\"+Inf\"} 6",
                "took_seconds_sum{route=\"range\"} 20.890625",
                "took_seconds_count{route=\"range\"} 6",
            ]
        )
    }

    @Test func labelsCannotEndTheirLine() {
        Counter(label: "asked_total", dimensions: [("route", "a\"b\\c\nd")], factory: registry).increment()
        #expect(registry.text.contains("asked_total{route=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func oneNameHasOneKind() {
        Counter(label: "asked_total", factory: registry).increment()
        Gauge(label: "asked_total", factory: registry).record(7)
        #expect(registry.text.hasSuffix("asked_total 1\n"))
    }

    @Test func seriesAreBounded() {
        for number in 0..<(MetricsRegistry.seriesLimit + 10) {
            Counter(label: "asked_total", dimensions: [("region", "\(number)")], factory: registry).increment()
        }
        #expect(registry.text.split(separator: "\n").count == MetricsRegistry.seriesLimit + 2)
        registry.retain("asked_total", [[("region", "5")], [("region", "none")]])
        Counter(label: "held", factory: registry).increment()
        #expect(registry.text.contains("asked_total{region=\"5\"} 1\n# HELP held"))
    }

    @Test func fractionsAddUp() {
        let sum = FloatingPointCounter(label: "spent_seconds_total", factory: registry)
        for _ in 0..<10 { sum.increment(by: 0.25) }
        sum.increment(by: -5)
        #expect(registry.text.hasSuffix("spent_seconds_total 2.5\n"))
    }
}
