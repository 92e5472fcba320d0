import NIOCore
import Synchronization

/// Bytes that wait in a server, over all of its connections and event loops, by what is allocated for them.
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
            state.ledger.set(own: own, all: all, of: key, now: .now())
            state.channels[key] = state.ledger.holds(key) ? channel : nil
        }
    }

    /// Sets bytes aside.
    /// - Parameter channel: of the connection on whose behalf; nil for none.
    /// - Returns: nil if there is no room; a connection that takes nothing then gives up what it holds, so that there
    ///   may be some later.
    func reserve(_ bytes: Int, for channel: (any Channel)?) -> MemoryReservation? {
        let key = channel.map { ObjectIdentifier($0) }
        let isReserved = change(room: bytes) { state in
            let isReserved = state.ledger.reserve(bytes, for: key, now: .now())
            if isReserved, let key, let channel { state.channels[key] = channel }
            return isReserved
        }
        return isReserved ? MemoryReservation(self, bytes, channel) : nil
    }

    fileprivate func unreserve(_ bytes: Int, for channel: (any Channel)?) {
        let key = channel.map { ObjectIdentifier($0) }
        change { state in
            state.ledger.unreserve(bytes, for: key, now: .now())
            if let key, !state.ledger.holds(key) { state.channels[key] = nil }
        }
    }

    func add(_ bytes: Int) {
        change { $0.ledger.add(bytes) }
    }

    var total: Int { state.withLock { $0.ledger.total } }

    fileprivate func retain(_ buffer: UInt, bytes: Int) {
        change { $0.ledger.retain(buffer, bytes: bytes) }
    }

    fileprivate func release(_ buffer: UInt) {
        change { $0.ledger.release(buffer) }
    }

    private func change(_ body: (inout State) -> Void) {
        _ = change(room: 0) { state in
            body(&state)
            return true
        }
    }

    /// - Parameter room: bytes that are needed if `body` returns false.
    private func change(room: Int, _ body: (inout State) -> Bool) -> Bool {
        let (result, victim): (Bool, (any Channel)?) = state.withLock { state in
            let result = body(&state)
            let condemned = state.ledger.relieve(now: .now(), room: result ? 0 : room)
            isFull.store(state.ledger.isFull, ordering: .relaxed)
            return (result, condemned.flatMap { state.channels[$0] })
        }
        // Later, though it may be of this event loop: the victim may be the one that reports, in the middle of something.
        victim?.eventLoop.execute {
            victim?.pipeline.fireUserInboundEventTriggered(ConnectionCommand.giveUp)
        }
        return result
    }
}

/// Memory that was set aside, until this is forgotten.
public final class MemoryReservation: Sendable {
    private let account: MemoryAccount
    private let channel: (any Channel)?
    private let remaining: Mutex<Int>

    /// Bytes set aside; 0 when it was joined with another.
    public var bytes: Int { remaining.withLock { $0 } }

    init(_ account: MemoryAccount, _ bytes: Int, _ channel: (any Channel)?) {
        self.account = account
        remaining = Mutex(bytes)
        self.channel = channel
    }

    deinit {
        account.unreserve(remaining.withLock { $0 }, for: channel)
    }

    /// This one and another of the same memory as one; both are forgotten.
    public func joined(with other: MemoryReservation) -> MemoryReservation {
        precondition(account === other.account && channel === other.channel, "one memory, and one connection")
        return MemoryReservation(account, take() + other.take(), channel)
    }

    private func take() -> Int {
        remaining.withLock { bytes in
            defer { bytes = 0 }
            return bytes
        }
    }
}

/// The memory that several servers, and work outside of them, have in common.
public final class SharedMemory: Sendable {
    let account: MemoryAccount
    public let limit: Int

    /// - Parameter limit: bytes.
    public init(limit: Int) {
        self.limit = limit
        account = MemoryAccount(limit: limit)
    }

    /// Sets bytes aside for work in progress.
    /// - Returns: nil if there is no room for them now.
    public func reserve(_ bytes: Int) -> MemoryReservation? {
        account.reserve(bytes, for: nil)
    }

    /// Counts bytes that are held in any case; negative when they are gone. Those who hold most give way to them.
    public func add(_ bytes: Int) {
        account.add(bytes)
    }

    /// Bytes that are held or set aside.
    public var total: Int { account.total }
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
    let channel: any Channel
    private var own = 0
    private var all = 0

    init(_ account: MemoryAccount, _ channel: any Channel) {
        self.account = account
        self.channel = channel
    }

    /// Whether the connection may take up another request.
    var admits: Bool { account.admits(holding: all) }

    /// The connection holds that much now: bytes of its own, and those of buffers that others may hold too. What the
    /// kernel has not taken yet is added.
    func report(own: Int, shared: Int = 0) {
        var own = own
        if !channel.isWritable {
            own += (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        }
        guard own != self.own || own + shared != all else { return }
        self.own = own
        all = own + shared
        account.report(own: own, all: all, of: channel)
    }

    /// The connection is over.
    func end() {
        account.report(own: 0, all: 0, of: channel)
    }
}

extension ByteBuffer {
    /// What is allocated for it, which may be much more than what can be read.
    var heldBytes: Int { readableBytes > 0 ? storageCapacity : 0 }
}
