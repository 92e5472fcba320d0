import NIOCore
import Synchronization

/// Bytes of bodies that wait in a server, over all of its connections and event loops.
///
/// A connection reports at the end of each flush, and only what changed: a response that left at once was never here.
final class MemoryAccount: Sendable {
    private struct State {
        var ledger: MemoryLedger<ObjectIdentifier>
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    /// Bytes that one connection may hold until its requests are refused: an eighth of all.
    private let share: Int
    private let state: Mutex<State>
    /// What the ledger says, to be read without waiting.
    private let isFull: Atomic<Bool>

    init(limit: Int) {
        share = max(1, limit / 8)
        isFull = Atomic(limit <= 0)
        state = Mutex(State(ledger: MemoryLedger(limit: limit)))
    }

    /// Whether a connection that holds `bytes` may take up another request. If that is because of what others hold, one
    /// of them has to give up.
    func admits(holding bytes: Int) -> Bool {
        guard isFull.load(ordering: .relaxed) else { return bytes < share }
        change { _ in }
        return false
    }

    func report(own: Int, all: Int, of channel: any Channel) {
        change { state in
            let key = ObjectIdentifier(channel)
            state.channels[key] = all > 0 ? channel : nil
            state.ledger.set(own: own, all: all, of: key, now: .now())
        }
    }

    fileprivate func retain(_ buffer: UInt, bytes: Int) {
        change { $0.ledger.retain(buffer, bytes: bytes) }
    }

    fileprivate func release(_ buffer: UInt) {
        change { $0.ledger.release(buffer) }
    }

    private func change(_ body: (inout State) -> Void) {
        let victim: (any Channel)? = state.withLock { state in
            body(&state)
            let condemned = state.ledger.relieve(now: .now())
            isFull.store(state.ledger.isFull, ordering: .relaxed)
            return condemned.flatMap { state.channels[$0] }
        }
        // Later, though it may be of this event loop: the victim may be the one that reports, in the middle of something.
        victim?.eventLoop.execute {
            victim?.pipeline.fireUserInboundEventTriggered(ConnectionCommand.giveUp)
        }
    }
}

/// As long as it lives, a buffer that others may hold too counts as held.
final class BufferHold {
    private let account: MemoryAccount
    private let buffer: UInt

    init(_ account: MemoryAccount, _ buffer: UInt, bytes: Int) {
        self.account = account
        self.buffer = buffer
        account.retain(buffer, bytes: bytes)
    }

    deinit {
        account.release(buffer)
    }
}

/// What one connection holds, as it was last reported. Confined to the event loop.
final class MemoryShare {
    let account: MemoryAccount
    private let channel: any Channel
    private var own = 0
    private var all = 0

    init(_ account: MemoryAccount, _ channel: any Channel) {
        self.account = account
        self.channel = channel
    }

    /// Whether the connection may take up another request.
    var admits: Bool { account.admits(holding: all) }

    /// The connection holds that much now: bytes of its own, and those of buffers that others may hold too.
    func report(own: Int, shared: Int = 0) {
        guard own != self.own || own + shared != all else { return }
        self.own = own
        all = own + shared
        account.report(own: own, all: all, of: channel)
    }
}
