import ClusterSimulation
import Synchronization
import Testing

@Suite struct StepExecutorTests {
    private actor Sum {
        private(set) var total = 0
        func add(_ number: Int) { total += number }
    }

    private final class Notes: Sendable {
        let numbers = Mutex<[Int]>([])
        let waiting = Mutex<CheckedContinuation<Int, Never>?>(nil)
        var all: [Int] { numbers.withLock { $0 } }
        func add(_ number: Int) { numbers.withLock { $0.append(number) } }
    }

    /// Tasks, their children and the actors that they enter run when told to, on the thread that tells them, in one order.
    @Test func everythingRunsInTurn() {
        let first = StepExecutorTests.course()
        #expect(first.count == 40)
        for _ in 0..<20 { #expect(StepExecutorTests.course() == first) }
    }

    private static func course() -> [Int] {
        let executor = StepExecutor()
        let notes = Notes()
        let sum = Sum()
        for task in 0..<4 {
            Task(executorPreference: executor, priority: .medium) {
                await withTaskGroup(of: Void.self) { group in
                    for child in 0..<10 {
                        group.addTask {
                            await sum.add(child)
                            await Task.yield()
                            notes.add(task * 1000 + (await sum.total))
                        }
                    }
                }
            }
        }
        #expect(notes.all.isEmpty)
        #expect(executor.run())
        return notes.all
    }

    /// What waits for an answer waits until it comes, and goes on at the next turn.
    @Test func whatWaitsIsLeftAlone() {
        let executor = StepExecutor()
        let notes = Notes()
        Task(executorPreference: executor, priority: .medium) {
            let answer = await withCheckedContinuation { continuation in
                notes.waiting.withLock { $0 = continuation }
            }
            notes.add(answer)
        }
        #expect(executor.run())
        let continuation = notes.waiting.withLock { $0 }
        #expect(continuation != nil)
        continuation?.resume(returning: 7)
        #expect(notes.all.isEmpty)
        #expect(executor.run())
        #expect(notes.all == [7])
    }
}
