import ExposureKeys
import FeedFormat
import Replication

/// Carrying out the steps of a plan.
extension Simulation {
    func begin(_ step: Step, _ place: Int) {
        trace.mix(UInt64(place))
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
            note(node, "has \(bytesPerSecond) bytes a second")
            nodes[node].bandwidth = (bytesPerSecond, now + duration)
        case .loss(let node, let part, let duration):
            note(node, "loses \(part) of 1000 messages")
            nodes[node].loss = (part, now + duration)
        case .lostDisk(let node, let down):
            crash(node)
            note(node, "loses its disk")
            nodes[node].disk = SimulatedDisk()
            nodes[node].images = []
            nodes[node].downUntil = now + down
            agenda.add(at: now + down, .start(node: node))
        case .restoredDisk(let node, let age, let down):
            crash(node)
            restore(node, age: age)
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
        case .lies(let node, let lie, let duration):
            note(node, "lies: \(lie.rawValue)")
            nodes[node].lies = (lie, now + duration)
        }
    }

    func end(_ step: Step) {
        guard !isHealed else { return }
        if case .partition(let from, let to, let isOneWay, _) = step.action {
            block(from, to, isOneWay: isOneWay, by: -1)
            note(nil, "everything passes again between \(from.nodes) and \(to.nodes)")
        }
        if case .copy(let node, _) = step.action {
            for index in nodes.indices where nodes[index].home == node && index != node { crash(index) }
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

    /// Puts back the newest image that is at least so old, or the oldest one; nothing if there is none.
    private func restore(_ node: Int, age: Int64) {
        let images = nodes[node].images
        let image = images.last { $0.time <= now - age } ?? images.first
        note(node, "has its disk put back to \((image?.time ?? 0) / Plan.second) s")
        nodes[node].disk = image?.disk ?? SimulatedDisk()
    }

    /// A second process with the region and key of a node, over a copy of its disk.
    private func startCopy(of node: Int, place: Int, for duration: Int64) {
        var copy = nodes[node]
        copy.process = nil
        copy.pipes = []
        copy.generation = 0
        copy.downUntil = 0
        copy.pausedUntil = 0
        chances.append(SeededRandom(seed: options.seed, stream: UInt64(1_000_000 + nodes.count)))
        nodes.append(copy)
        let index = nodes.count - 1
        layPipes(of: index)
        note(index, "is a copy of node \(node)")
        agenda.add(at: now, .start(node: index))
        agenda.add(at: now + duration, .ends(place))
    }
}
