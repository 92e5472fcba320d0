internal import ExposureKeys

/// Counts what a sync spends and gains, for all feeds in flight, and says when it must stop.
actor SyncLedger {
    private(set) var progress = SyncProgress()
    private var failures = 0
    private let limits: SyncLimits
    private let report: @Sendable (SyncProgress) -> Void

    init(limits: SyncLimits, report: @escaping @Sendable (SyncProgress) -> Void) {
        self.limits = limits
        self.report = report
    }

    /// Charges a request before it is made.
    func request() throws(SyncError) {
        guard progress.requests < limits.requests, progress.bytes < limits.bytes else {
            throw SyncError(
                .limitReached,
                """
                this sync has made \(progress.requests.counted("request")) and received \(progress.bytes.counted("byte")), its limits are \
                \(limits.requests) and \(limits.bytes); what came is kept, sync again for the rest
                """
            )
        }
        progress.requests += 1
    }

    func received(_ bytes: Int) {
        progress.bytes += bytes
        report(progress)
    }

    func failed() {
        failures += 1
    }

    /// True once so many requests had no answer that the node counts as out of reach.
    var isGivenUp: Bool { failures >= limits.failures }

    func began(feeds: Int) {
        progress.feedsTotal = feeds
        report(progress)
    }

    func committed(batches: Int, keys: Int) {
        progress.batches += batches
        progress.keys += keys
        report(progress)
    }

    func feedDone() {
        progress.feedsDone += 1
        report(progress)
    }
}
