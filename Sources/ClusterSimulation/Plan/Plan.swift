/// Everything that will happen from outside, drawn before the run: publications and faults in the order of their time.
/// What is drawn for one kind does not depend on the others.
struct Plan {
    private(set) var steps: [Step] = []
    private let options: SimulationOptions
    private let end: Int64

    static let second: Int64 = 1_000_000
    static let minute = 60 * second
    static let hour = 60 * minute

    init(_ options: SimulationOptions) {
        self.options = options
        end = Int64(options.hours) * Plan.hour
        for node in 0..<options.nodes { drawPublications(of: node) }
        for (place, kind) in FaultKind.allCases.enumerated() {
            var random = SeededRandom(seed: options.seed, stream: UInt64(100 + place))
            for _ in 0..<options.faults[kind] where !kind.needsPhones || options.phones > 0 {
                if kind == .rosters {
                    drawRoster(&random)
                    continue
                }
                let time = random.draw(0...end)
                add(time, action(kind, &random))
            }
        }
        // Stable: steps of one time stay in the order in which they were drawn.
        steps = steps.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        if let kept = options.steps { steps = kept.filter { $0 < steps.count }.map { steps[$0] } }
        let last = Int64(options.healAfterMinutes) * Plan.minute
        steps.removeAll { step in
            step.time > last || step.action.node.map { options.absent.contains($0) } ?? false
                || step.action.phone.map { options.absentPhones.contains($0) } ?? false
        }
    }

    /// A plan that is given, not drawn.
    /// - Parameter steps: ascending by time.
    init(_ options: SimulationOptions, steps: [Step]) {
        self.options = options
        self.steps = steps
        end = Int64(options.hours) * Plan.hour
    }

    private mutating func add(_ time: Int64, _ action: Step.Action) {
        steps.append(Step(time: time, action: action))
    }

    private mutating func drawPublications(of node: Int) {
        var random = SeededRandom(seed: options.seed, stream: UInt64(10_000 + node))
        let mean = Int64(options.publicationMinutes) * Plan.minute
        var time = random.draw(0...mean)
        while time < end {
            let keys = 1 + random.below(options.keys)
            add(time, .publish(node: node, keys: keys, revocations: random.chance(200) ? 1 : 0))
            time += mean / 2 + random.draw(0...mean)
        }
    }

    /// Where a key is in two hands, its region mostly has it closed within the hour. Drawn last, so that all thefts are
    /// known.
    private mutating func drawRoster(_ random: inout SeededRandom) {
        var time = random.draw(0...end)
        var action = action(.rosters, &random)
        let thefts = steps.filter { step in
            switch step.action {
            case .stolenKey, .misdeed(_, .twoHistories): true
            default: false
            }
        }
        let delay = random.draw(Plan.minute...40 * Plan.minute)
        if random.chance(700), !thefts.isEmpty, case .changeRoster(_, _, let given) = action {
            let theft = thefts[random.below(thefts.count)]
            time = min(end, theft.time + delay)
            if let node = theft.action.node { action = .changeRoster(.closure, node: node, given: given) }
        }
        add(time, action)
    }

    /// Hours, days or weeks without network, as far as they fit in.
    private func absence(_ random: inout SeededRandom) -> Int64 {
        let lengths = [1, 6, 24, 7 * 24, 21 * 24].map { $0 * Plan.hour }.filter { $0 <= max(Plan.hour, end / 2) }
        let length = lengths[random.below(lengths.count)]
        return random.draw(length / 4...length)
    }

    private func action(_ kind: FaultKind, _ random: inout SeededRandom) -> Step.Action {
        let node = random.below(options.nodes)
        let short = random.draw(1...120) * Plan.second
        let long = random.draw(1...40) * Plan.minute
        let phone = kind.needsPhones ? random.below(options.phones) : 0
        switch kind {
        case .crash: return .crash(node: node, down: random.chance(500) ? random.draw(0...Plan.second) : long)
        case .pause: return .pause(node: node, for: short)
        case .partition, .oneWayPartition:
            let isInFirst = (0..<options.nodes).map { _ in random.chance(500) }
            return .partition(
                from: NodeSet(isInFirst.indices.filter { isInFirst[$0] }),
                to: NodeSet(isInFirst.indices.filter { !isInFirst[$0] }),
                isOneWay: kind == .oneWayPartition,
                for: random.chance(500) ? short : long
            )
        case .clog:
            let other = (node + 1 + random.below(max(1, options.nodes - 1))) % options.nodes
            return .partition(from: NodeSet([node]), to: NodeSet([other]), isOneWay: false, for: short)
        case .slowLinks: return .slowLinks(node: node, bytesPerSecond: random.draw(500...50_000), for: long)
        case .loss: return .loss(node: node, part: 1 + random.below(300), for: long)
        case .lostDisk: return .lostDisk(node: node, down: short)
        case .restoredDisk: return .restoredDisk(node: node, age: long, down: short)
        case .copy: return .copy(node: node, for: long)
        case .fullDisk: return .fullDisk(node: node, for: long)
        case .clockStep:
            let far = random.chance(300)
            let reach: Int64 = far ? 3 * 3_600_000 : 120_000
            return .clockStep(node: node, milliseconds: random.draw(-reach...reach))
        case .clockDrift: return .clockDrift(node: node, millionths: random.draw(-500...500))
        case .tornWrite: return .tornWrite(node: node, down: short)
        // A jump of the clock by less than a minute shows nothing.
        case .memoryImage: return .memoryImage(node: node, age: 2 * Plan.minute + long)
        case .foreignRevocations: return .revokeOthers(node: node, keys: 1 + random.below(3))
        case .stolenKey: return .stolenKey(node: node, opensEpochs: random.chance(300), for: long)
        case .misdeeds: return .misdeed(node: node, Misdeed.allCases[random.below(Misdeed.allCases.count)])
        case .release:
            return .release(node: node, Release.allCases[random.below(Release.allCases.count)], down: short / 10)
        case .bitRot: return .bitRot(node: node, batches: 1 + random.below(3))
        case .rosters:
            let given = NodeSet((0..<1 + random.below(3)).map { _ in random.below(options.nodes) })
            return .changeRoster(random.chance(500) ? .rotation : .closure, node: node, given: given)
        case .corrections: return .correct(node: node, keys: 1 + random.below(3))
        case .killedSync: return .killSync(phone: phone, steps: 1 + random.below(60))
        case .offline: return .offline(phone: phone, for: absence(&random))
        case .phoneLies:
            let about = (node + 1 + random.below(max(1, options.nodes - 1))) % options.nodes
            let lie = PhoneLie.allCases[random.below(PhoneLie.allCases.count)]
            return .deceivePhones(node: node, about: about, lie, for: random.draw(1...4) * Plan.hour)
        case .lies:
            let lie = Lie.allCases[random.below(Lie.allCases.count)]
            return .lies(node: node, lie, for: long)
        }
    }
}
