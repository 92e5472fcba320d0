internal import HTTP2
internal import Synchronization

/// The memory that fetches from other nodes take: a batch is asked for when there is room for the largest, and what came
/// counts until the fetch that it belongs to is over.
enum FetchMemory {
    /// What the batches of one fetch take.
    private final class Held: Sendable {
        private let reservations = Mutex<[MemoryReservation]>([])

        func add(_ reservation: MemoryReservation) { reservations.withLock { $0.append(reservation) } }
    }

    @TaskLocal private static var held: Held?
    private static let pause = Duration.milliseconds(50)

    static func ofOneFetch<Result: Sendable>(_ body: @Sendable () async -> Result) async -> Result {
        await $held.withValue(Held()) { await body() }
    }

    /// Waits until there is room.
    /// - Throws: `CancellationError`: a fetch has a deadline.
    static func wait(for bytes: Int, in memory: SharedMemory) async throws -> MemoryReservation {
        while true {
            if let reservation = memory.reserve(bytes) { return reservation }
            try await Task.sleep(for: pause)
        }
    }

    /// A batch has come: it counts until the fetch is over. There is room, as what was set aside for it is larger and still
    /// held, or it is a moment later.
    static func keep(_ bytes: Int, of memory: SharedMemory) {
        if let reservation = memory.reserve(bytes) { held?.add(reservation) }
    }
}
