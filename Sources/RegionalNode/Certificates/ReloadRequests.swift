internal import Synchronization

/// How often an operator has asked a running node to read its files again (SIGHUP).
public final class ReloadRequests: Sendable {
    private let number = Atomic(0)

    public init() {}

    var count: Int { number.load(ordering: .relaxed) }

    public func ask() {
        number.wrappingAdd(1, ordering: .relaxed)
    }

    /// Returns after a pause, or soon after the count is another than `count`.
    func wait(while count: Int, seconds: Int) async {
        for _ in 0..<seconds where self.count == count && !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
