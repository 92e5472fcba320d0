import ExposureKeys
import FeedFormat
import Replication

/// Carrying out the steps of a plan.
extension Simulation {
    func begin(_ step: Step, _ place: Int) {
        trace.mix(UInt64(place))
        noteSuffering(step.action)
        noteForgetting(step.action)
        switch step.action {
        case .publish(let node, let keys, let revocations):
            publish(node, keys: keys, revocations: revocations)
        case .crash(let node, let down):
            nodes[node].downUntil = now + down
            crash(node)
            agenda.add(at: now + down, .start(node: node))
        case .pause(let node, let duration):
            note(node, "stands still for \(duration / Plan.second) s")
            nodes[node].pausedUntil = now + duration
            for pipe in nodes[node].pipes { watch(pipe) }
        case .partition(let from, let to, let isOneWay, let duration):
            note(nil, "nothing passes from \(from.nodes) \(isOneWay ? "to" : "to and from") \(to.nodes)")
            block(from, to, isOneWay: isOneWay, by: 1)
            agenda.add(at: now + duration, .ends(place))
        case .slowLinks(let node, let bytesPerSecond, let duration):
            note(node, "has \(bytesPerSecond.counted("byte")) a second")
            nodes[node].bandwidth = (bytesPerSecond, now + duration)
        case .loss(let node, let part, let duration):
            note(node, "loses \(part) of 1000 messages")
            nodes[node].loss = (part, now + duration)
        case .lostDisk(let node, let down):
            crash(node)
            note(node, "loses its disk")
            nodes[node].disk = SimulatedDisk()
            reach(.lostDisk)
            nodes[node].downUntil = now + down
            agenda.add(at: now + down, .start(node: node))
        case .restoredDisk(let node, _, let down):
            crash(node)
            restoreDisk(of: node, place)
            nodes[node].downUntil = now + down
            agenda.add(at: now + down, .start(node: node))
        case .copy(let node, let duration):
            startCopy(of: node, place: place, for: duration)
        case .fullDisk(let node, let duration):
            note(node, "has a full disk")
            nodes[node].fullUntil = now + duration
        case .clockStep(let node, let milliseconds):
            note(node, "has its clock set by \(milliseconds) ms")
            nodes[node].clockLead += milliseconds
        case .clockDrift(let node, let millionths):
            note(node, "has a clock too fast by \(millionths) millionths")
            nodes[node].setDrift(millionths, at: now)
        case .tornWrite(let node, let down):
            nodes[node].tearing = down
        case .memoryImage(let node, _):
            resume(node, place)
        case .revokeOthers(let node, let keys):
            let revoked = othersRevoked(keys, at: node)
            if !revoked.isEmpty { reach(.revokedForeignKeys) }
            publish(node, revoked)
        case .stolenKey(let node, let opensEpochs, let duration):
            startThief(of: node, place: place, opensEpochs: opensEpochs, for: duration)
        case .misdeed(let node, let misdeed):
            commit(misdeed, by: node)
        case .release(let node, let release, let down):
            install(release, on: node, down: down)
        case .bitRot(let node, let batches):
            rot(node, batches: batches)
        case .lies(let node, let lie, let duration):
            note(node, "lies: \(lie.rawValue)")
            nodes[node].lies = (lie, now + duration)
            nodes[node].hasLied = true
        case .correct(let node, let keys):
            correct(node, keys: keys)
        case .changeRoster(let change, let node, let given):
            changeRoster(change, of: node, to: given)
        case .killSync(let phone, let steps):
            if phones.indices.contains(phone) { phones[phone].dyingAfter = steps }
        case .offline(let phone, let duration):
            takeOffline(phone, for: duration)
        case .deceivePhones(let node, let about, let lie, let duration):
            deceivePhones(lie, about: nodes[about].region, by: node, for: duration)
        }
    }

    /// Who lacks something or tells a wrong time after this need not have lied.
    private func noteSuffering(_ action: Step.Action) {
        switch action {
        case .publish, .correct, .revokeOthers, .misdeed, .lies, .deceivePhones, .killSync, .offline: return
        case .partition(let from, let to, _, _):
            for node in from.nodes + to.nodes { nodes[node].hasSuffered = true }
        default:
            if let node = action.node { nodes[node].hasSuffered = true }
        }
    }

    /// Whose disk, key or process is another one after this may say again what it had corrected.
    private func noteForgetting(_ action: Step.Action) {
        switch action {
        case .lostDisk(let node, _), .restoredDisk(let node, _, _), .memoryImage(let node, _), .copy(let node, _),
            .stolenKey(let node, _, _), .bitRot(let node, _), .misdeed(let node, _),
            .changeRoster(.closure, let node, _):
            nodes[node].mayForget = true
        default: break
        }
    }

    func end(_ step: Step) {
        guard !isHealed else { return }
        if case .partition(let from, let to, let isOneWay, _) = step.action {
            block(from, to, isOneWay: isOneWay, by: -1)
            note(nil, "everything passes again between \(from.nodes) and \(to.nodes)")
        }
        switch step.action {
        case .copy(let node, _), .stolenKey(let node, _, _):
            for index in nodes.indices where nodes[index].home == node && index != node { crash(index) }
        default: break
        }
    }

    private func block(_ from: NodeSet, _ to: NodeSet, isOneWay: Bool, by change: Int) {
        let homes = nodes.indices.filter { nodes[$0].home == $0 }
        for left in homes where from.contains(left) {
            for right in homes where to.contains(right) {
                blocked[left][right] = max(0, blocked[left][right] + change)
                if !isOneWay { blocked[right][left] = max(0, blocked[right][left] + change) }
            }
        }
        for pipe in pipes.indices { if change > 0 { watch(pipe) } else { release(pipe) } }
    }

    /// A second process with the region and key of a node, over a copy of its disk.
    @discardableResult
    func startCopy(of node: Int, place: Int, for duration: Int64) -> Int {
        chances.append(SeededRandom(seed: options.seed, stream: UInt64(1_000_000 + nodes.count)))
        nodes.append(SimulatedNode(copying: nodes[node]))
        let index = nodes.count - 1
        layPipes(of: index)
        note(index, "is a copy of node \(node)")
        agenda.add(at: now, .start(node: index))
        agenda.add(at: now + duration, .ends(place))
        return index
    }
}
