import NIOCore
import NIOSSL

/// What a server tells its connections.
enum ConnectionCommand {
    /// Take no more requests, let those under way finish, then close.
    case drain
    /// The server has no memory left for what this connection holds: close it.
    case giveUp
    /// The peer's certificate may count no more: judge it again, and close if so.
    case judgePeer
}

extension Channel {
    /// Closes at once, so that the file is free again: TLS would say that it ends and wait seconds for the same from a
    /// peer that may never say it. From any thread.
    func closeWithoutFarewell() {
        eventLoop.execute {
            let tls = try? self.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
            if let tls {
                // From there on, towards the socket.
                tls.close(promise: nil)
            } else {
                self.close(promise: nil)
            }
        }
    }

    /// Closes the connection when `written`, the last write, is done: first our side, so that the peer reads the last
    /// bytes and not a reset caused by bytes it still sends; then all of it, when the peer closed too or after a second.
    /// A peer that does not take the last bytes within `limit` is cut.
    func closeOutput(after written: EventLoopFuture<Void>, limit: TimeAmount) {
        closeUnlessClosed(in: limit)
        written.whenComplete { _ in
            self.close(mode: .output, promise: nil)
            self.closeUnlessClosed(in: .seconds(1))
        }
    }

    private func closeUnlessClosed(in time: TimeAmount) {
        let deadline = eventLoop.scheduleTask(in: time) {
            self.close(promise: nil)
        }
        closeFuture.whenComplete { _ in deadline.cancel() }
    }
}
