/// One thing that a plan lets happen.
public struct Step: Equatable, Sendable {
    /// Virtual microseconds since the start.
    public let time: Int64
    public let action: Action

    public init(time: Int64, action: Action) {
        self.time = time
        self.action = action
    }

    public enum Action: Equatable, Sendable {
        /// A node publishes this many keys, and revokes some of those published before.
        case publish(node: Int, keys: Int, revocations: Int)
        /// A process dies, and is started again after `down` microseconds.
        case crash(node: Int, down: Int64)
        case pause(node: Int, for: Int64)
        /// Nothing passes from a node of one group to one of the other; both groups are bits by node.
        case partition(from: NodeSet, to: NodeSet, isOneWay: Bool, for: Int64)
        /// A node's links carry so many bytes a second.
        case slowLinks(node: Int, bytesPerSecond: Int64, for: Int64)
        /// So many of 1000 messages are lost.
        case loss(node: Int, part: Int, for: Int64)
        case lostDisk(node: Int, down: Int64)
        /// The disk is again as it was `age` microseconds ago.
        case restoredDisk(node: Int, age: Int64, down: Int64)
        case copy(node: Int, for: Int64)
        case fullDisk(node: Int, for: Int64)
        case clockStep(node: Int, milliseconds: Int64)
        /// Millionths by which a clock is too fast.
        case clockDrift(node: Int, millionths: Int64)
        case lies(node: Int, Lie, for: Int64)
        /// The power fails while the next transaction is written.
        case tornWrite(node: Int, down: Int64)
        /// Disk and memory are again as they were `age` microseconds ago; the clock is not.
        case memoryImage(node: Int, age: Int64)
        /// A region signs revocations of other regions' keys.
        case revokeOthers(node: Int, keys: Int)
        case stolenKey(node: Int, opensEpochs: Bool, for: Int64)
        case misdeed(node: Int, Misdeed)
        case release(node: Int, Release, down: Int64)
        case bitRot(node: Int, batches: Int)
        /// A phone's process dies after so many more requests and uses of its store.
        case killSync(phone: Int, steps: Int)
        case offline(phone: Int, for: Int64)
        /// A node deceives phones about the region of another one.
        case deceivePhones(node: Int, about: Int, PhoneLie, for: Int64)
        /// A node's operator corrects so many reports of its region.
        case correct(node: Int, keys: Int)
        /// The authorities sign a roster in which something changes of a node's region, and some nodes are given it.
        case changeRoster(RosterChange, node: Int, given: NodeSet)
    }

    /// How long before its time an image is taken for it, in microseconds.
    var imageAge: Int64? {
        switch action {
        case .restoredDisk(_, let age, _), .memoryImage(_, let age): age
        default: nil
        }
    }
}

extension Step.Action {
    /// The node that it happens to; nil if to several.
    public var node: Int? {
        switch self {
        case .publish(let node, _, _), .crash(let node, _), .pause(let node, _), .slowLinks(let node, _, _),
            .loss(let node, _, _), .lostDisk(let node, _), .restoredDisk(let node, _, _), .copy(let node, _),
            .fullDisk(let node, _), .clockStep(let node, _), .clockDrift(let node, _), .lies(let node, _, _),
            .tornWrite(let node, _), .memoryImage(let node, _), .revokeOthers(let node, _),
            .stolenKey(let node, _, _), .misdeed(let node, _), .release(let node, _, _), .bitRot(let node, _),
            .deceivePhones(let node, _, _, _), .correct(let node, _), .changeRoster(_, let node, _):
            node
        case .partition, .killSync, .offline: nil
        }
    }

    /// The phone that it happens to; nil if to none.
    public var phone: Int? {
        switch self {
        case .killSync(let phone, _), .offline(let phone, _): phone
        default: nil
        }
    }
}

/// Ways to deceive neighbours; the replica inside is honest, what leaves the node is changed.
public enum Lie: String, CaseIterable, Sendable {
    case alteredBytes, wrongCheckpoint, skippedNumber, repeatedNumber, otherRegion, falseFrontier, boastfulAdverts
    case emptyAnswers, noAnswers
    /// Batches that go on where a feed ends, under a signature of the liar's own.
    case forgedSignatures
    /// Fewer batches than there are; feeds that do not exist; all dropped.
    case modestAdverts, inventedFeeds, retractedAdverts
    /// Frames of no known type, and bytes that are no frame.
    case strangeFrames, garbage
    /// Everything comes, a long time later.
    case slow
}

/// Some nodes of a plan.
public struct NodeSet: Equatable, Sendable {
    private var members: [Bool]

    public init(_ nodes: [Int]) {
        members = []
        for node in nodes {
            while members.count <= node { members.append(false) }
            members[node] = true
        }
    }

    public func contains(_ node: Int) -> Bool { node < members.count && members[node] }

    /// Ascending.
    public var nodes: [Int] { members.indices.filter { members[$0] } }
}
