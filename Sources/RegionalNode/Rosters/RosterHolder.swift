internal import FeedFormat
internal import NIOCore
internal import Synchronization

/// The roster of a running node: the newest that it was given, on disk and in use. Everything that needs a roster asks
/// here each time, so that all parts of the node change over at once.
final class RosterHolder: Sendable {
    /// A roster as the public route serves it.
    struct Served: Sendable {
        let signed: SignedRoster
        let body: ByteBuffer
        let etag: String

        init(_ signed: SignedRoster) {
            self.signed = signed
            body = ByteBuffer(bytes: signed.bytes)
            etag = "\"\(Hash256(hashing: signed.bytes[...]).hexadecimal.prefix(16))\""
        }
    }

    private struct State {
        var served: Served
        var listeners: [Int: AsyncStream<Roster>.Continuation] = [:]
        var lastListener = 0
    }

    let authorities: RosterAuthorities
    private let path: String
    private let state: Mutex<State>

    /// - Parameter path: where newer rosters are kept.
    init(_ signed: SignedRoster, authorities: RosterAuthorities, path: String) {
        self.authorities = authorities
        self.path = path
        state = Mutex(State(served: Served(signed)))
    }

    var served: Served { state.withLock { $0.served } }
    var current: Roster { served.signed.roster }

    /// The roster at hand, then every newer one; those that come too fast for the reader are skipped.
    func updates() -> AsyncStream<Roster> {
        let (stream, continuation) = AsyncStream<Roster>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            continuation.yield(state.served.signed.roster)
            return state.lastListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[number] = nil } }
        return stream
    }

    /// Takes a roster if it follows the one at hand. Called on the store's thread, so one at a time.
    /// - Parameter now: unix seconds.
    /// - Returns: whether it was taken, and why it could not be kept on disk, if so: it is used all the same, since it may
    ///   close a key, and others will give it again.
    /// - Throws: `FormatError` if it is not valid, has expired or does not follow.
    func offer(_ bytes: [UInt8], now: Int64) throws(FormatError) -> (isTaken: Bool, notKept: NodeError?) {
        // Most offers are of what is held already; they cost no signatures.
        if bytes == served.signed.bytes { return (false, nil) }
        let new = try SignedRoster(bytes, authorities: authorities)
        guard try served.signed.isFollowed(by: new, now: now) else { return (false, nil) }
        let failure = keep(new)
        state.withLock { state in
            state.served = Served(new)
            for listener in state.listeners.values { listener.yield(new.roster) }
        }
        return (true, failure)
    }

    /// Puts the roster at hand on disk, where a later start finds it also if it has expired by then. Called on the
    /// store's thread.
    func keep() -> NodeError? {
        let roster = served.signed
        // A start on a full disk must not need room for what is there already.
        if (try? RosterFiles.bytes(path)) == roster.bytes { return nil }
        return keep(roster)
    }

    private func keep(_ roster: SignedRoster) -> NodeError? {
        do throws(NodeError) {
            try DurableFile.replace(path, with: roster.bytes)
            return nil
        } catch {
            return error
        }
    }
}
