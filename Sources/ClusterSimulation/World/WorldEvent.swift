import ClientSync
import FeedFormat
import Replication

/// What may stand in a simulation's agenda.
enum WorldEvent {
    case step(Int)
    /// A fault of a step is over.
    case ends(Int)
    case start(node: Int)
    case connect(pipe: Int, attempt: Int)
    /// A link is up unless something came between.
    case connected(pipe: Int, attempt: Int)
    /// The keepalive of a link has had no answer since it was blocked.
    case keepalive(pipe: Int, LinkID)
    case closed(node: Int, generation: Int, LinkID)
    case frame(pipe: Int, LinkID, toOther: Bool, [UInt8])
    case wake(node: Int, generation: Int, serial: Int)
    case stored(node: Int, generation: Int)
    /// A request reaches the node that is asked.
    case request(Request)
    case answer(node: Int, generation: Int, ReplicaEvent)
    case housekeeping(node: Int, generation: Int)
    /// An image of a machine is taken, to be put back by a step.
    case image(step: Int)
    /// A thief signs.
    case forge(node: Int, opensEpochs: Bool)
    /// An operator hands a node a roster.
    case rosterGiven(node: Int, version: UInt64)
    /// What a peer answered that was asked for its roster.
    case rosterArrives(node: Int, generation: Int, RequestID, [UInt8]?)
    /// An operator gives a node the key of its region with this number, and starts it again.
    case keyGiven(node: Int, number: Int)
    case poll(phone: Int, serial: Int)
    /// A request of a phone reaches the node that it asks.
    case phoneAsks(phone: Int, generation: Int, serial: Int)
    /// An answer, or none, reaches the phone.
    case phoneHears(phone: Int, Int, Int, TransportResponse?)
    case heal
    case audit

    /// One GET of a node.
    struct Request {
        let from: Int
        let generation: Int
        let to: Int
        let latency: Int64
        let question: Question
    }

    enum Question {
        case frontier(RequestID, FeedID, size: UInt64)
        case batches(RequestID, FeedID, Range<UInt64>)
        case leaves(RequestID, FeedID, Range<UInt64>)
        case roster(RequestID)
    }
}
