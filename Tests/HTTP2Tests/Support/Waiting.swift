import Synchronization
import TestSupport

/// Notes that one task leaves for another.
final class Waiting: Sendable {
    private let list = Mutex<[String]>([])

    var notes: [String] { list.withLock { $0 } }

    func note(_ text: String) {
        list.withLock { $0.append(text) }
    }

    /// The first note, as soon as there is one.
    func first() async throws -> String {
        guard try await eventually({ !self.notes.isEmpty }), let first = notes.first else {
            throw TestFailure("nothing was noted")
        }
        return first
    }
}
