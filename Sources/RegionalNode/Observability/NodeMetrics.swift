internal import CoreMetrics
internal import ExposureKeys
internal import HTTP2
internal import Synchronization

/// The metrics of one node. Counters are incremented where things happen; gauges are set from an observation whenever
/// somebody asks for the text.
final class NodeMetrics: Sendable {
    let registry = MetricsRegistry(help: MetricName.helpByName.merging(LimitMetrics.help) { $1 })
    let requests: RequestMetrics
    let limits: LimitMetrics
    private let importedKeys: Counter
    private let publishedKeys: Counter
    private let publishedBatches: Counter
    private let refusedImports: Counter
    private let alarmsRaised: Counter
    /// Of what others count.
    private let mirrored: [MetricName: Counter]
    private let processorTime: FloatingPointCounter
    private let counted = Mutex(Counted())

    /// Totals that others count, as far as they are in our counters.
    private struct Counted {
        var totals: [MetricName: Int] = [:]
        var processorSeconds = 0.0
    }

    init() {
        let registry = registry
        func counter(_ name: MetricName) -> Counter { Counter(label: name.rawValue, factory: registry) }
        requests = RequestMetrics(registry)
        limits = LimitMetrics(registry)
        importedKeys = counter(.importedKeys)
        publishedKeys = counter(.publishedKeys)
        publishedBatches = counter(.publishedBatches)
        refusedImports = counter(.refusedImports)
        alarmsRaised = counter(.alarmsRaised)
        let names = [
            MetricName.linkBytesReceived, .linkBytesSent, .framesPassedOver, .handshakes, .failedHandshakes,
            .refusedPeers,
        ]
        mirrored = Dictionary(uniqueKeysWithValues: names.map { ($0, counter($0)) })
        processorTime = FloatingPointCounter(label: MetricName.processorTime.rawValue, factory: registry)
    }

    func imported(keys: Int) { importedKeys.increment(by: Int64(keys)) }

    func importRefused() { refusedImports.increment() }

    func published(keys: Int, batches: Int) {
        publishedKeys.increment(by: Int64(keys))
        publishedBatches.increment(by: Int64(batches))
    }

    func alarmRaised() { alarmsRaised.increment() }

    /// All metrics as text, the gauges as observed.
    func text(_ observation: NodeObservation) -> String {
        count(observation)
        setRegions(observation)
        set(.publicConnections, observation.publicConnections)
        set(.peerConnections, observation.peerConnections)
        set(.publicPlaces, observation.publicPlaces)
        set(.peerPlaces, observation.peerPlaces)
        set(.heldMemory, observation.heldMemory)
        set(.memoryLimit, observation.memoryLimit)
        set(.alarms, observation.alarms)
        set(.isHealthy, observation.isHealthy ? 1 : 0)
        set(.storeBytes, observation.disk.storeBytes)
        set(.diskFreeBytes, observation.disk.freeBytes)
        set(.heldKeys, observation.heldKeys)
        if let time = observation.indexTime { set(.indexTime, time) }
        if let seconds = observation.clockDifference { set(.clockDifference, seconds) }
        set(.rosterVersion, observation.rosterVersion)
        set(.rosterExpiry, observation.rosterExpiry)
        set(.residentBytes, observation.process.residentBytes)
        set(.openFiles, observation.process.openFiles)
        set(.maxFiles, observation.maxFiles ?? .max)
        gauge(.startTime).record(observation.process.startTime)
        return registry.text
    }

    private func count(_ observation: NodeObservation) {
        let totals: [MetricName: Int] = [
            .linkBytesReceived: observation.linkBytes.received, .linkBytesSent: observation.linkBytes.sent,
            .framesPassedOver: observation.framesPassedOver,
            .handshakes: observation.tls.handshakes, .failedHandshakes: observation.tls.failures,
            .refusedPeers: observation.tls.refusals,
        ]
        let seconds = observation.process.processorSeconds
        counted.withLock { counted in
            for (name, total) in totals {
                mirrored[name]?.increment(by: Int64(total - (counted.totals[name] ?? 0)))
            }
            processorTime.increment(by: seconds - counted.processorSeconds)
            counted = Counted(totals: totals, processorSeconds: seconds)
        }
    }

    private func setRegions(_ observation: NodeObservation) {
        for state in observation.regions {
            let label = [("region", state.region.code)]
            set(.feeds, state.feeds, label)
            set(.batches, state.batches, label)
            set(.lag, state.lag, label)
            set(.forked, state.isForked ? 1 : 0, label)
            if state.lastPublication > 0 { set(.lastPublication, state.lastPublication, label) }
        }
        for neighbour in observation.neighbours {
            let label = [("region", neighbour.region.code)]
            set(.linkUp, neighbour.isLinked ? 1 : 0, label)
            if let time = neighbour.roundTrip { gauge(.roundTrip, label).record(Double(time) / 1e6) }
        }
        let regions = observation.regions.map { [("region", $0.region.code)] }
        for name in [MetricName.feeds, .batches, .lag, .forked, .lastPublication] {
            registry.retain(name.rawValue, regions)
        }
        registry.retain(MetricName.linkUp.rawValue, observation.neighbours.map { [("region", $0.region.code)] })
        let measured = observation.neighbours.filter { $0.roundTrip != nil }
        registry.retain(MetricName.roundTrip.rawValue, measured.map { [("region", $0.region.code)] })
    }

    private func set(_ name: MetricName, _ value: some BinaryInteger, _ labels: [(String, String)] = []) {
        gauge(name, labels).record(Int64(clamping: value))
    }

    private func gauge(_ name: MetricName, _ labels: [(String, String)] = []) -> Gauge {
        Gauge(label: name.rawValue, dimensions: labels, factory: registry)
    }
}
