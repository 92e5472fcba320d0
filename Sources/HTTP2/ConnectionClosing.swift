import NIOCore

/// What a server tells its connections.
enum ConnectionCommand {
    /// Take no more requests, let those under way finish, then close.
    case drain
}

extension Channel {
    /// Closes the connection when `written`, the last write, is done: first our side, so that the peer reads the last
    /// bytes and not a reset caused by bytes it still sends; then all of it, when the peer closed too or after a second.
    func closeOutput(after written: EventLoopFuture<Void>) {
        written.whenComplete { _ in
            self.close(mode: .output, promise: nil)
            let deadline = self.eventLoop.scheduleTask(in: .seconds(1)) {
                self.close(promise: nil)
            }
            self.closeFuture.whenComplete { _ in deadline.cancel() }
        }
    }
}
