import ExposureKeys
public import FeedFormat

/// What a frame costs before anything is known of what it says.
public struct FrameCost: Equatable, Sendable {
    /// On the wire, with the length in front.
    public let bytes: Int
    /// After decompression; 0 of a frame that is not compressed.
    public let inflatedBytes: Int

    public init(bytes: Int, inflatedBytes: Int) {
        self.bytes = bytes
        self.inflatedBytes = inflatedBytes
    }
}

/// What becomes of a frame that has come and has not been decompressed or read.
public enum FrameAdmission: Equatable, Sendable {
    case take
    /// Its sender has used up what it may cost: to be asked again after so many milliseconds. Nothing that comes after it
    /// on its link is looked at before.
    case wait(milliseconds: Int64)
}

/// What one peer may cost this node, over all its links and by its answers to fetches, in units of about a microsecond of a
/// processor. Whatever it sends is charged by the rules of `Charge`; what proves to be good is given back, so that only what
/// leads nowhere is bounded. A peer that has used up its budget is not read, and not asked, until there is some again: it
/// loses nothing by that but time.
struct PeerBudget: Sendable {
    /// A tenth of a processor, and what may be used at once.
    static let unitsPerMillisecond: Int64 = 100
    static let burst: Int64 = 500_000
    /// No debt is larger, so nobody waits longer than ten seconds.
    private static let mostDebt: Int64 = 1_000_000

    /// Milliseconds after which even the largest debt has become the burst.
    private static let fullAfter = (burst + mostDebt) / unitsPerMillisecond + 1

    /// What was there at a time.
    private var level = PeerBudget.burst
    private var filledAt: Int64

    init(now: Timestamp) { filledAt = now.elapsed }

    private func level(at now: Timestamp) -> Int64 {
        let passed = min(max(0, now.elapsed &- filledAt), PeerBudget.fullAfter)
        return min(PeerBudget.burst, level + passed * PeerBudget.unitsPerMillisecond)
    }

    /// How long to wait, in milliseconds, before anything more may be charged; 0 if it may now.
    func pause(now: Timestamp) -> Int64 {
        let level = level(at: now)
        return level > 0 ? 0 : 1 - level / PeerBudget.unitsPerMillisecond
    }

    mutating func charge(_ units: Int64, now: Timestamp) {
        level = max(level(at: now) - units, -PeerBudget.mostDebt)
        filledAt = now.elapsed
    }

    mutating func refund(_ units: Int64) { level = min(level + units, PeerBudget.burst) }
}

/// The rules by which peers are charged.
enum Charge: Sendable {
    /// A frame, whatever it says: it is read, and the replica looks at what is due.
    case frame
    /// Bytes that came, and those that a decompression gives.
    case bytes(Int)
    case inflatedBytes(Int)
    /// Bytes that are parsed or decoded once more, after a signature.
    case readBytes(Int)
    /// Bytes that go out because the peer asks for them.
    case answeredBytes(Int)
    case signatures(Int)
    /// Leaf hashes that are followed, with the root after each.
    case hashes(Int)
    /// Entries of tables that are looked up, or compared.
    case lookups(Int)
    /// Entries that are new in a table.
    case tableChanges(Int)
    /// A fetch that brought nothing.
    case vainFetch

    var units: Int64 {
        switch self {
        case .frame: 20
        case .bytes(let count): Int64(count) / 256
        case .inflatedBytes(let count): Int64(count) / 128
        case .readBytes(let count), .answeredBytes(let count): Int64(count) / 64
        case .signatures(let count): 150 * Int64(count)
        case .hashes(let count): 6 * Int64(count)
        case .lookups(let count): 2 * Int64(count)
        case .tableChanges(let count): 20 * Int64(count)
        case .vainFetch: 50
        }
    }

    static func sum(_ charges: [Charge]) -> Int64 { charges.reduce(0) { $0 + $1.units } }

    /// What reading a frame and acting on it costs, beyond `FrameCost`.
    static func work(of frame: LinkFrame) -> [Charge] {
        switch frame {
        case .hello, .unknown: []
        case .adverts(let adverts): [.lookups(adverts.count)]
        case .subscribe, .unsubscribe, .roster: [.lookups(1)]
        // Its signature where one is looked at: `takePushed`.
        case .batch: [.lookups(1)]
        case .index(let index, let settled): [.signatures(1), .readBytes(index.count + settled.count)]
        case .pull: [.lookups(2)]
        case .fork(let proof): [.signatures(4), .readBytes(proof.count)]
        case .checkpoint: [.signatures(2)]
        case .digest: [.lookups(2)]
        case .holdings(let part, _): [.lookups(part.entries.count)]
        case .relayedIndex(let relayed):
            [.signatures(1), .readBytes(relayed.bytes.count + (relayed.settled?.count ?? 0))]
        }
    }
}

extension Replica {
    /// Whether a frame may be read now. Asked once for each frame, in their order, before it is decompressed.
    /// - Throws: `FormatError` with `limitExceeded` for what is too large to come before a hello: the link cannot go on.
    public mutating func admit(
        _ cost: FrameCost,
        from link: LinkID,
        now: Timestamp
    ) throws(FormatError) -> FrameAdmission {
        guard let position = links.position(of: link) else { return .take }
        guard let peer = links.values[position].peer else {
            let size = max(cost.bytes, cost.inflatedBytes)
            if size <= Replica.greetingBytes { return .take }
            throw FormatError(.limitExceeded, "a frame of \(size.counted("byte")) before any hello")
        }
        let pause = budgetPause(of: peer, now: now)
        guard pause == 0 else {
            if !links.values[position].isHeldBack { framesPassedOver += 1 }
            links.update(link) { $0.isHeldBack = true }
            return .wait(milliseconds: pause)
        }
        let charges: [Charge] = [.frame, .bytes(cost.bytes), .inflatedBytes(cost.inflatedBytes)]
        links.update(link) { link in
            link.frameUnits = Charge.sum(charges)
            link.isHeldBack = false
        }
        charge(peer, charges, now: now)
        return .take
    }

    /// More than a hello of any release needs.
    private static let greetingBytes = 4096

    /// How long a peer is neither read nor asked, in milliseconds.
    func budgetPause(of peer: Region, now: Timestamp) -> Int64 { workBudgets[peer]?.pause(now: now) ?? 0 }

    mutating func charge(_ link: LinkID, _ charges: Charge..., now: Timestamp) {
        guard let position = links.position(of: link), let peer = links.values[position].peer else { return }
        charge(peer, charges, now: now)
    }

    mutating func charge(_ peer: Region, _ charges: [Charge], now: Timestamp) {
        if workBudgets.position(of: peer) == nil { workBudgets[peer] = PeerBudget(now: now) }
        workBudgets.update(peer) { $0.charge(Charge.sum(charges), now: now) }
    }

    /// What a peer was charged for has proved to be good.
    mutating func refund(_ link: LinkID, _ units: Int64) {
        guard let position = links.position(of: link), let peer = links.values[position].peer else { return }
        workBudgets.update(peer) { $0.refund(units) }
    }

    /// When the peer of the link at a position may be asked for a feed; nil if at once.
    func askingDue(_ position: Int, for feed: FeedID, now: Timestamp) -> Timestamp? {
        guard let peer = links.values[position].peer else { return nil }
        let pause = budgetPause(of: peer, now: now)
        let due = pause == 0 ? nil : now.advanced(byMilliseconds: pause)
        guard let until = links.values[position].failures[feed]?.until, now < until else { return due }
        return due.map { max($0, until) } ?? until
    }
}
