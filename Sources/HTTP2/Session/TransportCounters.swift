import Synchronization

/// Bytes that one connection moved, readable from any thread.
final class TransportCounters: Sendable {
    private let receivedBytes = Atomic(0)
    private let sentBytes = Atomic(0)

    func received(_ count: Int) {
        receivedBytes.wrappingAdd(count, ordering: .relaxed)
    }

    func sent(_ count: Int) {
        sentBytes.wrappingAdd(count, ordering: .relaxed)
    }

    var received: Int { receivedBytes.load(ordering: .relaxed) }
    var sent: Int { sentBytes.load(ordering: .relaxed) }
}
