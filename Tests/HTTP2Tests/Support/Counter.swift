import Synchronization

/// A number that several tasks count up and down.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    /// Adds and returns the sum.
    @discardableResult
    func add(_ count: Int) -> Int {
        number.wrappingAdd(count, ordering: .relaxed).newValue
    }

    func raise(to value: Int) {
        number.max(value, ordering: .relaxed)
    }
}
