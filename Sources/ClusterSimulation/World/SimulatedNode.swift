import ExposureKeys
import FeedFormat
import Replication

/// A machine with a node: what outlives its process, and the process while it runs. An object: as a value it
/// would be copied whole for much of what is read of it.
final class SimulatedNode {
    /// Its region's position in the plan; that of the original for a copy.
    let home: Int
    let region: Region
    let place: Place
    /// The key that its operator has given it, and the how manyth of its region that is.
    private(set) var signer: NoteSigner
    private(set) var keyNumber = 0
    var disk = SimulatedDisk()
    /// Earlier states of the disk and the memory.
    var images: [MachineImage] = []
    var process: Process?
    /// Counts processes: what belongs to an earlier one is void.
    var generation = 0
    /// Not started before this time.
    var downUntil: Int64 = 0
    /// Stands still until this time.
    var pausedUntil: Int64 = 0
    /// Milliseconds by which its clock was set ahead, and millionths by which it is too fast since a time.
    var clockLead: Int64 = 0
    var clockDrift: Int64 = 0
    private(set) var driftSince: Int64 = 0
    /// Milliseconds by which it had run ahead until then.
    private(set) var driftedBefore: Int64 = 0
    var lies: (lie: Lie, until: Int64)?
    var loss: (part: Int, until: Int64)?
    var bandwidth: (bytesPerSecond: Int64, until: Int64)?
    var fullUntil: Int64 = 0
    /// The power fails while the next transaction is written; the node stays down for so long.
    var tearing: Int64?
    /// What it publishes need not be as it should.
    var isHostile = false
    /// Is somebody who has stolen the region's key.
    var isThief = false
    /// Has deceived others at some time.
    var hasLied = false
    /// Something happened to it, or to its region's key, after which it need not know what its region has said.
    var mayForget = false
    /// The other one of two batches that it has signed with one number.
    var twins = SortedMap<FeedID, ProvenBatch>()
    /// What it tells phones besides the truth.
    var deception: Deception?
    /// Something happened to it that may keep it behind others, or its clock from theirs.
    var hasSuffered = false
    var release = Release.current
    /// Positions of the links that it may have.
    var pipes: [Int] = []

    init(home: Int, region: Region, place: Place, signer: NoteSigner) {
        self.home = home
        self.region = region
        self.place = place
        self.signer = signer
    }

    /// Another machine with the region, the key and the disk of one; its process does not run, and it has no links yet.
    /// What a machine gets in addition is to be listed here too, unless it belongs to one machine alone.
    init(copying other: SimulatedNode) {
        home = other.home
        region = other.region
        place = other.place
        signer = other.signer
        keyNumber = other.keyNumber
        disk = other.disk
        images = other.images
        clockLead = other.clockLead
        clockDrift = other.clockDrift
        driftSince = other.driftSince
        driftedBefore = other.driftedBefore
        lies = other.lies
        loss = other.loss
        bandwidth = other.bandwidth
        fullUntil = other.fullUntil
        tearing = other.tearing
        isHostile = other.isHostile
        isThief = other.isThief
        hasLied = other.hasLied
        mayForget = other.mayForget
        twins = other.twins
        deception = other.deception
        hasSuffered = other.hasSuffered
        release = other.release
    }

    func use(_ signer: NoteSigner, number: Int) {
        self.signer = signer
        keyNumber = number
    }

    /// What dies with the process.
    struct Process {
        var replica: Replica
        /// The one that the replica works with, as it is served.
        var roster: SignedRoster
        var writer: EpochWriter?
        /// The clock's lead when the open epoch began.
        var epochLead: Int64 = 0
        /// Transactions in their order.
        var writes: [PendingWrite] = []
        /// What this region published, as far as it is held.
        var record: PublicationRecord
        /// Serial number of the newest wake; older ones are void.
        var wakes = 0
        /// Feeds whose store has failed, until one succeeds.
        var failed = SortedMap<FeedID, Bool>()
        /// The batch that came last.
        var received: ReceivedBatch?
        /// The index that it serves, and the first that it has signed.
        var index: ServedIndex?
        var firstIndex: ServedIndex?
        /// When the next one for its neighbours is due.
        var indexDue: Int64 = 0
        /// Other nodes' indexes, as its replica brought them.
        var keptIndexes = SortedMap<Region, KeptIndex>()

        struct KeptIndex: Sendable {
            let index: FeedIndex
            let settled: IndexPart
        }
    }

    /// Its base URL in the roster.
    var endpoint: String { "https://\(region.code.lowercased()).example" }

    /// What its clock shows, in unix milliseconds.
    func clock(at now: Int64) -> Timestamp {
        let elapsed = now / 1000 + drifted(at: now)
        return Timestamp(milliseconds: Simulation.startUnix + elapsed + clockLead, elapsed: elapsed + driftedBefore)
    }

    /// Milliseconds by which a fast clock has run ahead.
    private func drifted(at now: Int64) -> Int64 { (now - driftSince) / 1000 * clockDrift / 1_000_000 }

    func setDrift(_ millionths: Int64, at now: Int64) {
        clockLead += drifted(at: now)
        driftedBefore += drifted(at: now)
        driftSince = now
        clockDrift = millionths
    }

    /// The machine takes some milliseconds for none: it goes on from an image of its memory. The date shows them.
    func stand(still milliseconds: Int64) { driftedBefore -= milliseconds }

    /// Milliseconds by which the date leads what the machine takes for the time that has passed.
    var lead: Int64 { clockLead - driftedBefore }
}
