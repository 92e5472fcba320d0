import ExposureKeys
import FeedFormat
import Replication

/// Many nodes in virtual time: the shipping `Replica`, encoders and signatures over simulated disks, clocks and ways. One
/// plan gives one course of events. Not for use by two threads at once.
public final class Simulation {
    /// Unix milliseconds at which virtual time begins: the start of an interval.
    static let startUnix: Int64 = 1_800_000_000_000
    /// More events than this in a run are a livelock.
    static let eventLimit = 500_000_000
    /// Unix seconds at which the roster and all keys in it end: after every simulation.
    static let rosterEnd: Int64 = 4_000_000_000

    let options: SimulationOptions
    let plan: Plan
    var result: SimulationResult
    var trace = TraceHash()
    /// Virtual microseconds.
    var now: Int64 = 0
    var agenda = Agenda<WorldEvent>()
    var nodes: [SimulatedNode] = []
    /// Each node's own source of chance.
    var chances: [SeededRandom] = []
    var pipes: [Pipe] = []
    /// Whether anything passes from one node to another: count of what blocks it, by sender and receiver.
    var blocked: [[Int]] = []
    /// Every version that the authorities have signed.
    var rosters: RosterChain
    /// Every region's keys, in the order in which rosters list them.
    var signers: [[NoteSigner]]
    var phones: [SimulatedPhone] = []
    let executor = StepExecutor()
    var ways: SeededRandom
    /// For the checks alone.
    var judging: SeededRandom
    var lastLink: UInt64 = 0
    /// Reports that were corrected.
    var corrections = 0
    /// Whether anybody corrects a report.
    let isCorrecting: Bool
    var truth = Truth()
    let memory = CheckMemory()
    /// Called after every step and notable event; for timelines.
    public var observer: ((Moment) -> Void)?
    /// Called whenever a batch has become durable at a node, its own region's included.
    public var deliveries: ((Delivery) -> Void)?
    private(set) var isHealed = false
    private var isOver = false

    /// - Parameter steps: what is to happen, ascending by time; nil if it is to be drawn from the options' seed.
    public init(_ options: SimulationOptions, steps: [Step]? = nil) throws {
        self.options = options
        plan = steps.map { Plan(options, steps: $0) } ?? Plan(options)
        isCorrecting = plan.steps.contains { if case .correct = $0.action { true } else { false } }
        result = SimulationResult(options: options)
        ways = SeededRandom(seed: options.seed, stream: 2)
        judging = SeededRandom(seed: options.seed, stream: 5)
        var random = SeededRandom(seed: options.seed, stream: 3)
        let places = options.geography.places(options.nodes, random: &random)
        for index in 0..<options.nodes { nodes.append(try Simulation.node(index, places[index])) }
        rosters = try RosterChain(try Simulation.roster(of: nodes))
        signers = nodes.map { [$0.signer] }
        blocked = nodes.map { _ in nodes.map { _ in 0 } }
        result.steps = plan.steps.count
        chances = nodes.indices.map { SeededRandom(seed: options.seed, stream: UInt64(1_000_000 + $0)) }
        layPipes()
        schedulePlan()
        placePhones()
    }

    deinit { stopPhones() }

    /// When all faults are over.
    private var healing: Int64 { Int64(options.healAfterMinutes) * Plan.minute }

    enum SetupError: Error { case badOptions }

    static func node(_ index: Int, _ place: Place) throws -> SimulatedNode {
        let digits = String(index + 1)
        guard let region = Region("VN-" + (digits.count < 2 ? "0" : "") + digits),
            let signer = signer(of: region, index, number: 0)
        else { throw SetupError.badOptions }
        return SimulatedNode(home: index, region: region, place: place, signer: signer)
    }

    /// A region's first key has number 0.
    static func signer(of region: Region, _ index: Int, number: Int) -> NoteSigner? {
        var secret = [UInt8](repeating: 7, count: 32)
        for shift in 0..<8 { secret[shift] = UInt8(truncatingIfNeeded: UInt64(index) >> UInt64(8 * shift)) }
        secret[31] = UInt8(truncatingIfNeeded: 7 + number)
        return NoteSigner(name: KeytideNames.signer(region), algorithm: .cosignature, seed: secret)
    }

    private static func roster(of nodes: [SimulatedNode]) throws -> Roster {
        let regions = nodes.compactMap { node in
            RosterRegion(
                id: node.region,
                vietnameseName: "Tỉnh \(node.region)",
                englishName: "Province \(node.region)",
                operatorName: "operator of \(node.region)",
                keys: [RosterRegion.Key(verifier: node.signer.verifier, notBefore: 0, notAfter: rosterEnd)],
                publicEndpoint: node.endpoint,
                peerEndpoint: "\(node.endpoint):8443"
            )
        }
        guard regions.count == nodes.count,
            let roster = Roster(version: 1, previous: nil, issued: 0, expires: rosterEnd, regions: regions)
        else { throw SetupError.badOptions }
        return roster
    }

    private func schedulePlan() {
        for index in nodes.indices {
            let moment = ways.draw(0...Plan.second)
            if !options.absent.contains(index) { agenda.add(at: moment, .start(node: index)) }
        }
        for (place, step) in plan.steps.enumerated() {
            agenda.add(at: step.time, .step(place))
            if let age = step.imageAge { agenda.add(at: max(0, step.time - age), .image(step: place)) }
        }
        agenda.add(at: healing, .heal)
    }

    /// What is going to happen from outside.
    public var steps: [Step] { plan.steps }

    // MARK: Running

    /// Runs to the end.
    /// - Parameter progress: called now and then with virtual hours passed.
    public func run(progress: (Int64) -> Void = { _ in }) -> SimulationResult {
        var hour: Int64 = -1
        while step() {
            if now / Plan.hour > hour {
                hour = now / Plan.hour
                progress(hour)
            }
        }
        stopPhones()
        result.trace = trace.value
        result.batches = truth.count
        return result
    }

    /// Goes on for as long as events are due at a time or before it.
    /// - Parameter time: virtual microseconds since the start.
    /// - Returns: what there is so far.
    public func run(until time: Int64) -> SimulationResult {
        while let next = agenda.nextTime, next <= time, step() {}
        return result
    }

    /// - Returns: false if nothing is left to do.
    private func step() -> Bool {
        guard !isOver, let (time, event) = agenda.removeFirst() else { return false }
        now = max(now, time)
        result.events += 1
        if result.events > Simulation.eventLimit {
            violate(.bounded, nil, "more events than ever needed: a livelock")
        }
        take(event)
        return true
    }

    private func take(_ event: WorldEvent) {
        switch event {
        case .step(let place): begin(plan.steps[place], place)
        case .ends(let place): end(plan.steps[place])
        case .start(let node): start(node)
        case .connect(let pipe, let attempt): connect(pipe, attempt)
        case .connected(let pipe, let attempt): finishConnecting(pipe, attempt)
        case .keepalive(let pipe, let link): keepalive(pipe, link)
        case .closed(let node, let generation, let link):
            guard nodes[node].generation == generation, options.planted != .neverClosesLinks else { return }
            dispatch(.linkClosed(link), to: node)
        case .frame(let pipe, let link, let toOther, let bytes): deliver(bytes, pipe, link, toOther: toOther)
        case .wake(let node, let generation, let serial): wake(node, generation, serial)
        case .stored(let node, let generation): finishWrite(node, generation)
        case .request(let request): answer(request)
        case .answer(let node, let generation, let event):
            guard nodes[node].generation == generation else { return }
            if isPaused(node, event: .answer(node: node, generation: generation, event)) { return }
            if case .batchesFetched(_, let batches) = event { result.traffic.fetched += batches.count { $0 != nil } }
            dispatch(event, to: node)
        case .housekeeping(let node, let generation): keepHouse(node, generation)
        case .image(let place): takeImage(for: plan.steps[place], place)
        case .forge(let node, let opensEpochs): forge(node, opensEpochs: opensEpochs)
        case .rosterGiven(let node, let version): giveRoster(version, to: node)
        case .rosterArrives(let node, let generation, let request, let bytes):
            takeRoster(bytes, request, node, generation)
        case .keyGiven(let node, let number): giveKey(number, to: node)
        case .poll(let phone, let serial): sync(phone, serial)
        case .phoneAsks(let phone, let generation, let serial): answerPhone(phone, generation, serial)
        case .phoneHears(let phone, let generation, let serial, let response):
            hear(response, phone, generation, serial)
        case .heal: heal()
        case .audit: audit()
        }
    }

    /// Puts an event off until a node that stands still goes on.
    func isPaused(_ node: Int, event: WorldEvent) -> Bool {
        guard nodes[node].pausedUntil > now else { return false }
        agenda.add(at: nodes[node].pausedUntil, event)
        return true
    }

    /// Stops the run after the first violations: what follows from them says nothing more.
    func violate(_ invariant: Invariant, _ node: Int?, _ text: String) {
        if result.violations.count < 20 {
            result.violations.append(.init(time: now, node: node, invariant: invariant, text: text))
        }
        observer?(Moment(time: now, node: node, text: "\(invariant.rawValue): \(text)", isViolation: true))
        if result.outcome == .held { result.outcome = invariant.isLiveness ? .liveness : .safety }
        isOver = true
    }

    // MARK: The end

    /// All faults are over; from here on everything must come right.
    private func heal() {
        isHealed = true
        for index in nodes.indices where nodes[index].home != index { crash(index) }
        for index in nodes.indices { nodes[index].twins = SortedMap() }
        for index in nodes.indices where nodes[index].home == index {
            nodes[index].downUntil = 0
            nodes[index].pausedUntil = min(nodes[index].pausedUntil, now)
            // A liar is replaced by an honest node: what others still believe of it was its own word.
            if nodes[index].lies != nil || nodes[index].deception?.lie == .claims { crash(index) }
            nodes[index].lies = nil
            nodes[index].deception = nil
            nodes[index].loss = nil
            nodes[index].bandwidth = nil
            nodes[index].fullUntil = 0
            nodes[index].tearing = nil
            nodes[index].clockLead = 0
            nodes[index].setDrift(0, at: now)
            nodes[index].clockLead = 0
            if nodes[index].process == nil, !options.absent.contains(index) { start(index) }
        }
        for left in blocked.indices { for right in blocked.indices { blocked[left][right] = 0 } }
        for pipe in pipes.indices { release(pipe) }
        healPhones()
        handOverNewestRoster()
        agenda.add(at: now + Plan.second, .audit)
    }

    /// What is not as it must be in the end, of all that could be admitted at a time.
    private func shortfall(asOf time: Int64) -> (Invariant, String)? {
        differences(asOf: time).map { (Invariant.converged, $0) }
            ?? unprovenFork().map { (Invariant.forksProven, $0) }
            ?? correctionDifference().map { (Invariant.corrected, $0) }
            ?? phoneDifference(asOf: time).map { (Invariant.phonesConverged, $0) }
    }

    private func audit() {
        if result.healed == nil, differences(asOf: now) == nil { result.healed = (now - healing) / Plan.second }
        if shortfall(asOf: now) != nil {
            // What nobody could admit before some minutes ago, as it was published ahead of time, has its own time.
            let limit = Int64(options.livenessMinutes) * Plan.minute
            guard now - healing >= limit, let (invariant, missing) = shortfall(asOf: now - limit) else {
                return agenda.add(at: now + Plan.second, .audit)
            }
            return violate(invariant, nil, missing)
        }
        for index in nodes.indices where nodes[index].process != nil {
            checkDisk(of: index)
            checkReaders(at: index)
            checkRosters(at: index)
        }
        isOver = true
    }
}

/// Something worth a line in a timeline.
public struct Moment: Sendable {
    /// Virtual microseconds.
    public let time: Int64
    public let node: Int?
    /// The phone that it happens to, if not a node.
    public let phone: Int?
    public let text: String
    public var isViolation = false

    public init(time: Int64, node: Int?, phone: Int? = nil, text: String, isViolation: Bool = false) {
        self.time = time
        self.node = node
        self.phone = phone
        self.text = text
        self.isViolation = isViolation
    }
}
