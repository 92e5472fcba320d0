import Synchronization

/// A value that one task waits for, and that an event loop gives or a cancellation withholds, whichever comes first.
final class Waiter<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
        case done
    }

    private let state = Mutex(State.empty)

    /// Suspends until somebody calls `settle`. Call once.
    /// - Throws: what `settle` was given, or `CancellationError`.
    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let settled: Result<Value, any Error>? = state.withLock { state in
                    switch state {
                    case .settled(let result):
                        state = .done
                        return result
                    case .empty, .waiting, .done:
                        state = .waiting(continuation)
                        return nil
                    }
                }
                if let settled {
                    continuation.resume(with: settled)
                }
            }
        } onCancel: {
            settle(.failure(CancellationError()))
        }
    }

    /// Gives the result; false when there was one already, so that a value nobody will see stays with the caller.
    @discardableResult
    func settle(_ result: Result<Value, any Error>) -> Bool {
        let (taken, continuation): (Bool, CheckedContinuation<Value, any Error>?) = state.withLock { state in
            switch state {
            case .empty:
                state = .settled(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .done
                return (true, continuation)
            case .settled, .done:
                return (false, nil)
            }
        }
        continuation?.resume(with: result)
        return taken
    }

    /// True once a result was given.
    var isSettled: Bool {
        state.withLock { state in
            switch state {
            case .empty, .waiting: false
            case .settled, .done: true
            }
        }
    }
}
