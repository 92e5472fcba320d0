package import ExposureKeys

/// Who may work for a peer now and who waits: so many in all, so many for one peer, and of those that wait the one
/// whose peer has the fewest at work comes first. So a peer that lets its work hang costs the others little.
package struct FairSlots {
    /// Names one piece of work.
    package typealias ID = UInt64

    private let limit: Int
    private let perPeer: Int
    private var total = 0
    private var atWork: [Region: Int] = [:]
    /// Oldest first.
    private var waiting: [(id: ID, peer: Region)] = []

    package init(limit: Int, perPeer: Int) {
        self.limit = limit
        self.perPeer = perPeer
    }

    /// - Returns: true if the work may begin; else it waits until `leave` names it.
    package mutating func enter(_ id: ID, for peer: Region) -> Bool {
        guard total < limit, count(peer) < perPeer else {
            waiting.append((id, peer))
            return false
        }
        begin(peer)
        return true
    }

    /// Work for a peer has ended.
    /// - Returns: work that may begin now.
    package mutating func leave(_ peer: Region) -> [ID] {
        total -= 1
        atWork[peer] = count(peer) > 1 ? count(peer) - 1 : nil
        var begun: [ID] = []
        while total < limit, let next = nextWaiting {
            let (id, peer) = waiting.remove(at: next)
            begin(peer)
            begun.append(id)
        }
        return begun
    }

    /// - Returns: true if the work waited and does no more; false if it is at work.
    package mutating func giveUp(_ id: ID) -> Bool {
        guard let position = waiting.firstIndex(where: { $0.id == id }) else { return false }
        waiting.remove(at: position)
        return true
    }

    private var nextWaiting: Int? {
        waiting.indices.filter { count(waiting[$0].peer) < perPeer }
            .min { (count(waiting[$0].peer), $0) < (count(waiting[$1].peer), $1) }
    }

    private func count(_ peer: Region) -> Int { atWork[peer] ?? 0 }

    private mutating func begin(_ peer: Region) {
        total += 1
        atWork[peer, default: 0] += 1
    }
}

/// `FairSlots` for tasks: each waits until its turn has come.
package actor WorkSlots {
    private var slots: FairSlots
    private var lastID: FairSlots.ID = 0
    private var sleepers: [FairSlots.ID: CheckedContinuation<Bool, Never>] = [:]

    package init(limit: Int, perPeer: Int) {
        slots = FairSlots(limit: limit, perPeer: perPeer)
    }

    /// Runs `body` when there is room for it.
    /// - Returns: nil if the task was cancelled before that.
    package func run<Result: Sendable>(
        for peer: Region,
        _ body: @Sendable () async -> Result
    ) async -> Result? {
        guard await enter(for: peer) else { return nil }
        let result = await body()
        for id in slots.leave(peer) { sleepers.removeValue(forKey: id)?.resume(returning: true) }
        return result
    }

    private func enter(for peer: Region) async -> Bool {
        lastID += 1
        let id = lastID
        if Task.isCancelled { return false }
        if slots.enter(id, for: peer) { return true }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { sleepers[id] = $0 }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
    }

    private func giveUp(_ id: FairSlots.ID) {
        // Its turn may have come in the same moment: then it goes on, and finds out itself that it is cancelled.
        guard slots.giveUp(id) else { return }
        sleepers.removeValue(forKey: id)?.resume(returning: false)
    }
}
