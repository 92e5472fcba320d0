import FeedFormat
import Replication

/// A machine as it was once.
struct MachineImage: Sendable {
    /// The step for which it was taken.
    let step: Int
    let time: Int64
    /// What the machine took for the time.
    let clock: Timestamp
    let disk: SimulatedDisk
    /// Nil if no process ran.
    let process: SimulatedNode.Process?
    /// The key that the process had.
    let signer: NoteSigner
    let keyNumber: Int
    /// The ends of the links that the process had.
    let links: [LinkID]
}

/// Images of machines: of their disk, or of memory and disk.
extension Simulation {
    func takeImage(for step: Step, _ place: Int) {
        let node: Int
        switch step.action {
        case .restoredDisk(let owner, _, _), .memoryImage(let owner, _): node = owner
        default: return
        }
        let links = nodes[node].pipes.compactMap { pipes[$0].end(of: node) }
        let owner = nodes[node]
        nodes[node].images.append(
            MachineImage(
                step: place,
                time: now,
                clock: owner.clock(at: now),
                disk: owner.disk,
                process: owner.process,
                signer: owner.signer,
                keyNumber: owner.keyNumber,
                links: links
            )
        )
    }

    private func useImage(_ node: Int, _ place: Int) -> MachineImage? {
        guard let position = nodes[node].images.firstIndex(where: { $0.step == place }) else { return nil }
        return nodes[node].images.remove(at: position)
    }

    func restoreDisk(of node: Int, _ place: Int) {
        guard let image = useImage(node, place) else { return }
        note(node, "has its disk put back to \(image.time / Plan.second) s")
        nodes[node].disk = image.disk
        reach(.restoredDisk)
    }

    /// Goes on from an image of memory and disk. All links are lost; the time that has passed since shows in the clock
    /// alone.
    func resume(_ node: Int, _ place: Int) {
        guard let image = useImage(node, place), var process = image.process else { return }
        reach(.resumedMemory)
        crash(node)
        note(node, "goes on from its memory at \(image.time / Plan.second) s")
        nodes[node].disk = image.disk
        nodes[node].downUntil = 0
        nodes[node].pausedUntil = 0
        nodes[node].generation += 1
        let passed = nodes[node].clock(at: now).duration(since: image.clock)
        nodes[node].stand(still: passed)
        process.wakes += 1
        nodes[node].process = process
        nodes[node].use(image.signer, number: image.keyNumber)
        planKey(of: node)
        let generation = nodes[node].generation
        for _ in process.writes {
            agenda.add(at: now + Plan.second / 1000, .stored(node: node, generation: generation))
        }
        agenda.add(at: now + Plan.second, .housekeeping(node: node, generation: generation))
        for link in image.links { dispatch(.linkClosed(link), to: node) }
        dispatch(.tick, to: node)
        for pipe in nodes[node].pipes {
            pipes[pipe].failures = 0
            tryConnecting(pipe, after: ways.draw(0...Plan.second / 5))
        }
    }
}
