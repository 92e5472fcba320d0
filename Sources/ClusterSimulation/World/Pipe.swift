import FeedFormat
import Replication

/// Where a link between two nodes may be, and the link while there is one.
struct Pipe {
    /// Positions of the nodes; the first one dials.
    let dialler: Int
    let other: Int
    /// One way, in microseconds, before jitter.
    let latency: Int64
    var link: Link?
    /// Serial number of the newest attempt to connect.
    var attempts = 0
    /// Failed attempts in a row.
    var failures = 0

    final class Link {
        let diallerEnd: LinkID
        let otherEnd: LinkID
        /// When the last bytes sent so far arrive at the dialler and at the other end.
        var arrivalAtDialler: Int64
        var arrivalAtOther: Int64
        /// Until when what comes waits at either end for its sender's budget.
        var heldAtDialler: Int64 = 0
        var heldAtOther: Int64 = 0
        /// Frames that wait for a way to open.
        private var held: [HeldFrame] = []
        private(set) var heldBytes = 0

        init(diallerEnd: LinkID, otherEnd: LinkID, at now: Int64) {
            self.diallerEnd = diallerEnd
            self.otherEnd = otherEnd
            arrivalAtDialler = now
            arrivalAtOther = now
        }

        func hold(_ frame: HeldFrame) {
            held.append(frame)
            heldBytes += frame.bytes.count
        }

        /// What was held, in order; nothing is from now on.
        func release() -> [HeldFrame] {
            let frames = held
            held = []
            heldBytes = 0
            return frames
        }
    }

    struct HeldFrame {
        let toOther: Bool
        let bytes: [UInt8]
    }

    func end(of node: Int) -> LinkID? { node == dialler ? link?.diallerEnd : link?.otherEnd }
    func peer(of node: Int) -> Int { node == dialler ? other : dialler }
}
