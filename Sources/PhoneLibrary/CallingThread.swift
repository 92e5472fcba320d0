internal import Dispatch
internal import Synchronization

/// Lets a task work while the thread that called the library waits for it, and lets that thread do what must be done on
/// it: the app's callbacks. So a callback needs no thread-safety, and its context never leaves its thread.
///
/// One for each call.
final class CallingThread<Value: Sendable>: Sendable {
    private enum Event: Sendable {
        case request(PhoneRequest, CheckedContinuation<PhoneAnswer, Never>)
        case end(Result<Value, any Error>)
    }

    /// In the order in which they came.
    private let events = Mutex<[Event]>([])
    /// Counts them.
    private let count = DispatchSemaphore(value: 0)

    /// Runs a task to its end.
    /// - Parameters:
    ///   - body: is given what has a request answered.
    ///   - began: is given what cancels the task.
    ///   - answer: called on this thread, one request at a time.
    func run(
        _ body: @escaping @Sendable (_ ask: @escaping PhoneRequest.Asking) async throws -> Value,
        began: (@escaping @Sendable () -> Void) -> Void,
        answer: (PhoneRequest) -> PhoneAnswer
    ) throws -> Value {
        let task = Task.detached { [self] in
            do {
                post(.end(.success(try await body { await self.answer(to: $0) })))
            } catch {
                post(.end(.failure(error)))
            }
        }
        began { task.cancel() }
        while true {
            count.wait()
            switch events.withLock({ $0.removeFirst() }) {
            case .request(let request, let asking):
                asking.resume(returning: task.isCancelled ? .none : answer(request))
            case .end(let result): return try result.get()
            }
        }
    }

    private func answer(to request: PhoneRequest) async -> PhoneAnswer {
        await withCheckedContinuation { post(.request(request, $0)) }
    }

    private func post(_ event: Event) {
        events.withLock { $0.append(event) }
        count.signal()
    }
}

/// Runs a task that asks nothing to its end, while this thread waits.
func waiting<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    try CallingThread().run({ _ in try await body() }, began: { _ in }, answer: { _ in .none })
}
