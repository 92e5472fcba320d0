import ExposureKeys
import NIOCore
import RegionalNode
import Replication
import Synchronization
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(1))) struct LinkOutboxTests {
    private struct Gone: Error {}

    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func increase() { value.withLock { $0 += 1 } }
    }

    @Test func aPeerThatDoesNotReadCostsABoundedAmount() throws {
        let region = try #require(Region("VN-01"))
        let outbox = LinkOutbox(limit: 10_000)
        var taken = 0
        while outbox.enqueue(.subscribe(region)), taken < 10_000 { taken += 1 }
        // Small frames count for more than their bytes.
        #expect((10...80).contains(taken))
    }

    @Test func framesLeaveInOrderAndMakeRoom() async throws {
        let region = try #require(Region("VN-01"))
        let outbox = LinkOutbox(limit: 1000)
        let left = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await outbox.drain { _ in
                    left.increase()
                }
            }
            for count in 1...50 {
                #expect(outbox.enqueue(.subscribe(region)))
                #expect(try await eventually { left.count == count })
            }
            outbox.close()
            try await group.waitForAll()
        }
    }

    /// Whatever leaves, is refused or ends with its link: the budget counts what waits.
    @Test func allLinksShareABudget() async throws {
        let region = try #require(Region("VN-01"))
        let budget = OutboxBudget(limit: 1500)
        let outboxes = (0..<4).map { _ in LinkOutbox(limit: 1000, budget: budget) }
        for outbox in outboxes.prefix(2) { while outbox.enqueue(.subscribe(region)) {} }
        #expect(budget.isExceeded)
        #expect(outboxes[0].queuedBytes > 800 && outboxes[2].queuedBytes == 0)
        outboxes[0].close()
        #expect(!budget.isExceeded && outboxes[0].queuedBytes == 0)
        // What comes to a link that has ended costs nothing, and closing again gives nothing back.
        for _ in 0..<50 { _ = outboxes[0].enqueue(.subscribe(region)) }
        outboxes[0].close()
        while outboxes[2].enqueue(.subscribe(region)) {}
        #expect(budget.isExceeded)
        let drain = Task { try await outboxes[1].drain { _ in } }
        #expect(try await eventually { outboxes[1].queuedBytes == 0 })
        #expect(!budget.isExceeded)
        drain.cancel()
    }

    @Test func closingEndsWhoeverWaits() async throws {
        let outbox = LinkOutbox()
        outbox.close()
        await outbox.waitUntilClosed()
        try await outbox.drain { _ in throw Gone() }
    }
}
