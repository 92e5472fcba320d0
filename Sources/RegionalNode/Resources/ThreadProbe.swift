internal import Glibc

/// Finds out whether the threads of a node can be had, before something is begun that cannot go on without them: the
/// event loops, the store's thread, and those on which tasks run. The limit may be that of the user, of a control group,
/// or of the address space that their stacks take: only trying shows all of them.
public enum ThreadProbe {
    /// Begins as many threads as a node of so many event loops has, and ends them.
    /// - Throws: `NodeError` with `limits`.
    public static func check(loops: Int) throws(NodeError) {
        let wanted = 4 * loops + 8
        let begun = begin(wanted)
        guard begun < wanted else { return }
        var limits: [String] = []
        if let number = ProcessLimits.soft(.threads) { limits.append("LimitNPROC= of its user is \(number)") }
        if let number = ControlGroup.current.processes {
            limits.append("TasksMax= of its systemd unit (pids.max of its control group) is \(number)")
        }
        if let number = ProcessLimits.soft(.addressSpace) {
            limits.append("LimitAS=, in which the threads' stacks lie, is \(number >> 20) MiB")
        }
        if let number = ProcessLimits.soft(.data) {
            limits.append("LimitDATA=, of which they are a part, is \(number >> 20) MiB")
        }
        let found = limits.isEmpty ? "" : " What limits it: \(limits.joined(separator: "; "))."
        throw NodeError(
            .limits,
            "a node needs \(wanted) threads, and the system lets this process begin \(begun).\(found) Raise the limit, or end "
                + "other processes of this user or group"
        )
    }

    /// - Returns: how many of `count` threads could be begun; all have ended.
    private static func begin(_ count: Int) -> Int {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        defer { gate.deallocate() }
        gate.initialize(to: pthread_mutex_t())
        pthread_mutex_init(gate, nil)
        defer { pthread_mutex_destroy(gate) }
        pthread_mutex_lock(gate)
        var threads: [pthread_t] = []
        for _ in 0..<count {
            var thread = pthread_t()
            let result = pthread_create(
                &thread,
                nil,
                { argument in
                    // Waits until all have been begun.
                    if let gate = argument?.assumingMemoryBound(to: pthread_mutex_t.self) {
                        pthread_mutex_lock(gate)
                        pthread_mutex_unlock(gate)
                    }
                    return nil
                },
                gate
            )
            guard result == 0 else { break }
            threads.append(thread)
        }
        pthread_mutex_unlock(gate)
        for thread in threads { pthread_join(thread, nil) }
        return threads.count
    }
}
