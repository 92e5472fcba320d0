import ExposureKeys
import FeedFormat
import Replication

/// GET requests of nodes to each other.
extension Simulation {
    /// Without an answer for so long a request has failed.
    static let requestTimeout = 10 * Plan.second

    func ask(_ region: Region, _ question: WorldEvent.Question, by index: Int) {
        guard let other = nodes.indices.first(where: { nodes[$0].region == region && nodes[$0].home == $0 }) else {
            return violate(.orderly, index, "asks \(region), which is not in the roster")
        }
        let oneWay = options.geography.roundTrip(nodes[index].place, nodes[other].place) * 500
        let request = WorldEvent.Request(
            from: index,
            generation: nodes[index].generation,
            to: other,
            latency: oneWay,
            question: question
        )
        agenda.add(at: now + oneWay + oneWay * ways.draw(0...150) / 1000, .request(request))
    }

    func answer(_ request: WorldEvent.Request) {
        let isOpen = isOpen(request.from, request.to) && isOpen(request.to, request.from)
        let isLost = [request.from, request.to].contains { node in
            nodes[node].loss.map { $0.until > now && ways.chance($0.part / 3) } ?? false
        }
        if isPaused(request.to, event: .request(request)) { return }
        guard isOpen, !isLost else {
            reach(.requestTimedOut)
            if case .roster(let id) = request.question {
                return replyRoster(request, id, nil, at: now + Simulation.requestTimeout)
            }
            return reply(request, Simulation.failure(request.question), at: now + Simulation.requestTimeout)
        }
        let moment = now + request.latency + request.latency * ways.draw(0...150) / 1000
        if case .roster(let id) = request.question {
            return replyRoster(request, id, toldRoster(by: request.to), at: moment + slowness(of: request.to))
        }
        guard nodes[request.to].process != nil else {
            return reply(request, Simulation.failure(request.question), at: moment)
        }
        var event = told(answer(to: request.question, at: request.to), by: request.to)
        if case .batches(_, let feed, _) = request.question, case .batchesFetched(let id, let batches) = event {
            event = .batchesFetched(id, twins(for: batches, feed, asking: request.from, at: request.to))
        }
        var size = 0
        if case .batchesFetched(_, let batches) = event {
            for case let batch? in batches { size += batch.bytes.count + batch.checkpoint.count }
        }
        if case .leavesFetched(_, let leaves) = event { size += 32 * leaves.count }
        result.traffic.fetchBytes += size + 200
        let delay = transferTime(size, request.to, request.from) + slowness(of: request.to)
        reply(request, event, at: moment + delay)
    }

    private func reply(_ request: WorldEvent.Request, _ event: ReplicaEvent, at time: Int64) {
        agenda.add(at: time, .answer(node: request.from, generation: request.generation, event))
    }

    /// - Parameter bytes: nil if none comes.
    private func replyRoster(_ request: WorldEvent.Request, _ id: RequestID, _ bytes: [UInt8]?, at time: Int64) {
        let (node, generation) = (request.from, request.generation)
        agenda.add(at: time, .rosterArrives(node: node, generation: generation, id, bytes))
    }

    private func answer(to question: WorldEvent.Question, at index: Int) -> ReplicaEvent {
        let disk = nodes[index].disk
        switch question {
        case .frontier(let request, let feed, let size):
            return .frontierFetched(request, disk.feeds[feed]?.frontier(at: size))
        case .batches(let request, let feed, let range):
            return .batchesFetched(request, disk.feeds[feed]?.answer(range) ?? range.map { _ in nil })
        case .leaves(let request, let feed, let range):
            return .leavesFetched(request, disk.feeds[feed]?.leaves(range) ?? [])
        case .roster(let request):
            return .rosterFetched(request, nil)
        }
    }

    private static func failure(_ question: WorldEvent.Question) -> ReplicaEvent {
        switch question {
        case .frontier(let request, _, _): .frontierFetched(request, nil)
        case .batches(let request, _, _): .batchesFetched(request, [])
        case .leaves(let request, _, _): .leavesFetched(request, [])
        case .roster(let request): .rosterFetched(request, nil)
        }
    }
}
