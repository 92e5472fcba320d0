import ExposureKeys
import FeedFormat
import Replication

/// Links between nodes: dialled, carrying frames in order, lost and dialled again.
extension Simulation {
    /// As the peer listener's keepalive: without an answer for so long a link is given up.
    static let keepalive = 30 * Plan.second

    /// Links may be where the overlay of either end has the other.
    func layPipes() {
        for index in nodes.indices { layPipes(of: index) }
    }

    func layPipes(of index: Int) {
        let own = nodes[index]
        let others = nodes.indices.filter { nodes[$0].home == $0 }
        let trips = others.map { options.geography.roundTrip(own.place, nodes[$0].place) }
        let wanted = Overlay(roster: rosters.first.roster).neighbours(of: own.region) { region in
            others.firstIndex { nodes[$0].region == region }.map { trips[$0] }
        }
        for region in wanted {
            guard let other = others.first(where: { nodes[$0].region == region }), other != index,
                !own.pipes.contains(where: { pipes[$0].peer(of: index) == other })
            else { continue }
            let oneWay = options.geography.roundTrip(own.place, nodes[other].place) * 500
            pipes.append(Pipe(dialler: index, other: other, latency: oneWay))
            nodes[index].pipes.append(pipes.count - 1)
            nodes[other].pipes.append(pipes.count - 1)
        }
    }

    // MARK: Dialling

    func tryConnecting(_ pipe: Int, after delay: Int64) {
        guard pipes[pipe].link == nil, !isBuggy(.neverRedials, pipe) else { return }
        pipes[pipe].attempts += 1
        agenda.add(at: now + delay, .connect(pipe: pipe, attempt: pipes[pipe].attempts))
    }

    func connect(_ pipe: Int, _ attempt: Int) {
        guard pipes[pipe].attempts == attempt, pipes[pipe].link == nil else { return }
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        guard nodes[left].process != nil else { return }
        guard nodes[right].process != nil, isOpen(left, right), isOpen(right, left) else {
            pipes[pipe].failures += 1
            let pause = min(Plan.second << Int64(min(pipes[pipe].failures, 5)), 15 * Plan.second)
            return tryConnecting(pipe, after: pause + ways.draw(0...pause / 2))
        }
        // Three ways: TCP's, TLS's and the request's.
        agenda.add(at: now + 6 * pipes[pipe].latency, .connected(pipe: pipe, attempt: attempt))
    }

    func finishConnecting(_ pipe: Int, _ attempt: Int) {
        guard pipes[pipe].attempts == attempt, pipes[pipe].link == nil else { return }
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        guard nodes[left].process != nil, nodes[right].process != nil, isOpen(left, right), isOpen(right, left) else {
            return tryConnecting(pipe, after: Plan.second)
        }
        pipes[pipe].failures = 0
        lastLink += 1
        let number = lastLink << 32 | UInt64(pipe) << 1
        let link = Pipe.Link(
            diallerEnd: LinkID(number),
            otherEnd: LinkID(number | 1),
            at: now
        )
        pipes[pipe].link = link
        dispatch(.linkOpened(link.diallerEnd, expected: nodes[right].region), to: left)
        dispatch(.linkOpened(link.otherEnd, expected: nil), to: right)
    }

    func isOpen(_ from: Int, _ to: Int) -> Bool { blocked[nodes[from].home][nodes[to].home] == 0 }

    // MARK: Losing

    /// A link is gone; those told learn of it after a moment.
    func drop(_ pipe: Int, at told: Int...) {
        guard let link = pipes[pipe].link else { return }
        pipes[pipe].link = nil
        for node in told where nodes[node].process != nil {
            let end = node == pipes[pipe].dialler ? link.diallerEnd : link.otherEnd
            let moment = now + ways.draw(0...pipes[pipe].latency * 2)
            agenda.add(at: moment, .closed(node: node, generation: nodes[node].generation, end))
        }
        tryConnecting(pipe, after: Plan.second + ways.draw(0...Plan.second))
    }

    func closeLink(_ link: LinkID, by index: Int) {
        let pipe = Simulation.pipe(of: link)
        guard pipe < pipes.count, pipes[pipe].end(of: index) == link else { return }
        drop(pipe, at: pipes[pipe].peer(of: index))
    }

    static func pipe(of link: LinkID) -> Int { Int(link.number & 0xffff_ffff) >> 1 }

    /// What passes is held back from now on; if it stays so, the keepalive ends the link.
    func watch(_ pipe: Int) {
        guard let link = pipes[pipe].link else { return }
        agenda.add(at: now + Simulation.keepalive, .keepalive(pipe: pipe, link.diallerEnd))
    }

    func keepalive(_ pipe: Int, _ link: LinkID) {
        guard pipes[pipe].link?.diallerEnd == link else { return }
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        let stands = nodes[left].pausedUntil > now || nodes[right].pausedUntil > now
        guard !isOpen(left, right) || !isOpen(right, left) || stands else { return }
        reach(.linkLostToKeepalive)
        drop(pipe, at: left, right)
    }

    /// The way is open again: what was held goes on.
    func release(_ pipe: Int) {
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        guard isOpen(left, right), isOpen(right, left) else { return }
        guard let link = pipes[pipe].link else {
            pipes[pipe].failures = 0
            return tryConnecting(pipe, after: ways.draw(0...Plan.second))
        }
        for frame in link.release() { carry(frame.bytes, over: pipe, toOther: frame.toOther) }
    }

    // MARK: Frames

    func send(_ frame: LinkFrame, over link: LinkID, from index: Int) {
        let pipe = Simulation.pipe(of: link)
        guard pipe < pipes.count, pipes[pipe].end(of: index) == link else { return }
        guard let bytes = encoded(frame, by: index) else { return }
        trace.mix(bytes)
        result.traffic.linkFrames += 1
        result.traffic.linkBytes += bytes.count + 9
        if case .batch = frame { result.traffic.pushed += 1 }
        let toOther = index == pipes[pipe].dialler
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        if isOpen(left, right), isOpen(right, left) {
            carry(bytes, over: pipe, toOther: toOther)
        } else {
            guard let link = pipes[pipe].link else { return }
            link.hold(Pipe.HeldFrame(toOther: toOther, bytes: bytes))
            if link.heldBytes > options.outboxBytes { giveUp(pipe, by: index) }
        }
    }

    private func carry(_ bytes: [UInt8], over pipe: Int, toOther: Bool) {
        guard let link = pipes[pipe].link else { return }
        let (left, right) = (pipes[pipe].dialler, pipes[pipe].other)
        let (sender, receiver) = toOther ? (left, right) : (right, left)
        var delay = pipes[pipe].latency + pipes[pipe].latency * ways.draw(0...150) / 1000
        delay += lossDelay(sender) + lossDelay(receiver) + slowness(of: sender)
        let busy = transferTime(bytes.count, sender, receiver)
        let earliest = toOther ? link.arrivalAtOther : link.arrivalAtDialler
        let arrival = max(earliest, now + delay) + busy
        if toOther { link.arrivalAtOther = arrival } else { link.arrivalAtDialler = arrival }
        agenda.add(at: arrival, .frame(pipe: pipe, link.diallerEnd, toOther: toOther, bytes))
    }

    /// Lost bytes come again, after a while.
    private func lossDelay(_ node: Int) -> Int64 {
        guard let loss = nodes[node].loss, loss.until > now, ways.chance(loss.part) else { return 0 }
        return ways.draw(200_000...1_500_000)
    }

    /// How long some bytes take through the narrower end.
    func transferTime(_ count: Int, _ sender: Int, _ receiver: Int) -> Int64 {
        var time: Int64 = 0
        for node in [sender, receiver] {
            if let bandwidth = nodes[node].bandwidth, bandwidth.until > now {
                time = max(time, Int64(count) * Plan.second / bandwidth.bytesPerSecond)
            }
        }
        return time
    }

    /// How long a frame waits at its receiver, as in a node; nil if it is read. Nothing that an honest node does uses up
    /// what it may cost.
    private func held(
        _ cost: FrameCost,
        _ end: LinkID,
        _ pipe: Int,
        toOther: Bool
    ) throws(FormatError) -> Int64? {
        let (sender, receiver) =
            toOther ? (pipes[pipe].dialler, pipes[pipe].other) : (pipes[pipe].other, pipes[pipe].dialler)
        let clock = nodes[receiver].clock(at: now)
        guard case .wait(let pause)? = try nodes[receiver].process?.replica.admit(cost, from: end, now: clock)
        else { return nil }
        if !nodes[sender].hasLied, !nodes[sender].isHostile, !nodes[sender].isThief {
            violate(.bounded, receiver, "\(nodes[sender].region) has used up what it may cost, and is honest")
        }
        return pause * Plan.second / 1000
    }

    func deliver(_ bytes: [UInt8], _ pipe: Int, _ link: LinkID, toOther: Bool) {
        guard let ends = pipes[pipe].link, ends.diallerEnd == link else { return }
        let receiver = toOther ? pipes[pipe].other : pipes[pipe].dialler
        let event = WorldEvent.frame(pipe: pipe, link, toOther: toOther, bytes)
        if isPaused(receiver, event: event) { return }
        // What comes behind a frame that waits waits too.
        let heldUntil = toOther ? ends.heldAtOther : ends.heldAtDialler
        if heldUntil > now { return agenda.add(at: heldUntil, event) }
        let end = toOther ? ends.otherEnd : ends.diallerEnd
        var decoder = LinkFrameDecoder()
        decoder.append(bytes)
        do throws(FormatError) {
            if let cost = try decoder.nextCost(), let pause = try held(cost, end, pipe, toOther: toOther) {
                let until = now + pause
                if toOther { ends.heldAtOther = until } else { ends.heldAtDialler = until }
                return agenda.add(at: until, event)
            }
            while let frame = try decoder.next() {
                dispatch(.received(end, understood(frame, by: receiver)), to: receiver)
            }
        } catch {
            let sender = pipes[pipe].peer(of: receiver)
            guard nodes[sender].lies != nil else {
                return violate(.orderly, receiver, "could not read a frame: \(error)")
            }
            reach(.unreadableFrame)
            drop(pipe, at: sender, receiver)
        }
    }
}
