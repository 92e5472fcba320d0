import ClientSync
import FeedFormat
import Synchronization

/// One sync of a phone, from its start to its end or death: what it wants of the world, and what it has done to its store.
/// The simulation fetches both after every step.
final class PhoneProcess: Sendable {
    /// A GET that waits for its answer.
    struct Request: Sendable {
        /// The node that is asked.
        let node: Int
        let path: String
        let etag: String?
        let limit: Int
        let continuation: CheckedContinuation<TransportResponse, any Error>
    }

    /// What has become durable.
    enum Change: Sendable {
        case committed(DeviceCommit)
        case cut(FeedID)
        case followed(HeldRoster)
    }

    struct News: Sendable {
        var requests: [Request] = []
        var changes: [Change] = []
        /// Set once the sync has ended.
        var end: End?
        var isDead = false
    }

    struct End: Sendable {
        let result: Result<SyncReport, any Error>
        /// Nil if nobody wanted to know.
        let contents: Result<PhoneContents, any Error>?
    }

    private struct State {
        var stepsLeft: Int?
        var news = News()
    }

    private let state: Mutex<State>

    /// - Parameter steps: requests and uses of the store after which the process dies; nil if it does not.
    init(dyingAfter steps: Int?) {
        state = Mutex(State(stepsLeft: steps))
    }

    /// Steps until the process dies; nil if it does not.
    var stepsLeft: Int? { state.withLock { $0.stepsLeft } }

    /// What happened since the last call.
    func takeNews() -> News {
        state.withLock { state in
            defer { state.news = News(isDead: state.news.isDead) }
            return state.news
        }
    }

    func die() {
        state.withLock { $0.news.isDead = true }
    }

    /// Called before everything that reaches beyond the process.
    /// - Throws: `CancellationError` from the process' death on.
    func step() throws {
        try state.withLock { state in
            if state.stepsLeft == 0 { state.news.isDead = true }
            if state.news.isDead { throw CancellationError() }
            if let steps = state.stepsLeft { state.stepsLeft = steps - 1 }
        }
    }

    func note(_ change: Change) {
        state.withLock { $0.news.changes.append(change) }
    }

    func ask(_ request: Request) {
        state.withLock { $0.news.requests.append(request) }
    }

    func end(_ end: End) {
        state.withLock { $0.news.end = end }
    }
}

/// How a simulated phone asks a simulated node.
struct PhoneTransport: SyncTransport {
    let node: String
    /// The node's position.
    let position: Int
    let process: PhoneProcess

    func get(_ path: String, ifNoneMatch: String?, limit: Int) async throws -> TransportResponse {
        try process.step()
        return try await withCheckedThrowingContinuation { continuation in
            process.ask(.init(node: position, path: path, etag: ifNoneMatch, limit: limit, continuation: continuation))
        }
    }
}
