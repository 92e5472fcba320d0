import Synchronization

/// Runs tasks on the thread of a simulation and only when it is told to, in the order in which they became runnable. What
/// they do, the actors that they enter and their children included, is so as fixed as the rest of the simulation.
package final class StepExecutor: TaskExecutor {
    /// More jobs than this without an event in between are a livelock.
    private static let limit = 10_000_000
    private let jobs = Mutex<[UnownedJob]>([])

    package init() {}

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Goes on until everything waits for something.
    /// - Returns: false if there is no end to it.
    package func run() -> Bool {
        for _ in 0..<StepExecutor.limit {
            guard let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return true }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        return false
    }
}
