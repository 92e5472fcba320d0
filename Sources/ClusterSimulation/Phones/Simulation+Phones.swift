import ClientSync
import ExposureKeys
import FeedFormat
import Replication

/// Phones: they go about, sync now and then, are offline, and die in the middle of it.
extension Simulation {
    /// As a phone's HTTP client: without an answer for so long a request has failed.
    private static let phoneTimeout = 30 * Plan.second
    /// From the phone to its network.
    private static let phoneWay = Plan.second / 50

    func placePhones() {
        for index in 0..<options.phones {
            var random = SeededRandom(seed: options.seed, stream: UInt64(2_000_000 + index))
            let home = random.below(options.nodes)
            let lead = random.draw(-90...90)
            let storage = MemoryDeviceStorage(witnessSeed: options.seed &* 1000 &+ UInt64(index))
            let phone = SimulatedPhone(home: home, storage: storage, random: random, node: home, clockLead: lead)
            phones.append(phone)
            // Half of them are there from the start, the others come in the first half of the run.
            let latest = phones[index].random.chance(500) ? pollPause : Int64(options.hours) * Plan.hour / 2
            if !options.absentPhones.contains(index) { poll(index, after: phones[index].random.draw(0...latest)) }
        }
    }

    /// Mean time between two syncs of a phone.
    private var pollPause: Int64 {
        isHealed ? Plan.minute / 2 : min(max(Int64(options.hours) * Plan.hour / 40, 3 * Plan.minute), 4 * Plan.hour)
    }

    private func poll(_ phone: Int, after delay: Int64) {
        if options.planted == .phoneGivesUp, phones[phone].hasFailed { return }
        phones[phone].polls += 1
        agenda.add(at: now + delay, .poll(phone: phone, serial: phones[phone].polls))
    }

    func takeOffline(_ phone: Int, for duration: Int64) {
        guard phones.indices.contains(phone) else { return }
        note(phone: phone, "is offline for \(duration / Plan.minute) min")
        phones[phone].offlineUntil = max(phones[phone].offlineUntil, now + duration)
    }

    /// All faults are over.
    func healPhones() {
        for phone in phones.indices where !options.absentPhones.contains(phone) {
            phones[phone].clockLead = 0
            phones[phone].offlineUntil = 0
            phones[phone].dyingAfter = nil
            if phones[phone].process == nil { poll(phone, after: phones[phone].random.draw(0...5 * Plan.second)) }
        }
    }

    // MARK: Syncs

    func sync(_ phone: Int, _ serial: Int) {
        guard phones[phone].polls == serial, phones[phone].process == nil else { return }
        let offlineUntil = phones[phone].offlineUntil
        guard offlineUntil <= now else {
            phones[phone].isBackFromOffline = true
            return agenda.add(at: offlineUntil, .poll(phone: phone, serial: serial))
        }
        roam(phone)
        let process = PhoneProcess(dyingAfter: phones[phone].dyingAfter)
        phones[phone].process = process
        phones[phone].generation += 1
        phones[phone].hasCommitted = false
        let seconds = phones[phone].clock(at: now)
        phones[phone].began = Interval(unixSeconds: seconds)
        let storage = phones[phone].storage
        // All of it is much to read.
        let isRead = isHealed || phones[phone].random.chance(250)
        let node = phones[phone].node
        let endpoints = nodes.prefix(options.nodes).map(\.endpoint)
        let session = SyncSession(
            transport: PhoneTransport(node: endpoints[node], position: node, process: process),
            storage: PhoneStorage(memory: storage, process: process, planted: options.planted),
            options: syncOptions,
            others: { url in
                endpoints.firstIndex(of: url).map { PhoneTransport(node: url, position: $0, process: process) }
            }
        )
        Task(executorPreference: executor, priority: .medium) {
            let result: Result<SyncReport, any Error>
            do { result = .success(try await session.run(now: seconds)) } catch { result = .failure(error) }
            let contents = isRead ? await PhoneContents.read(storage) : nil
            process.end(PhoneProcess.End(result: result, contents: contents))
        }
        goOn(phone)
    }

    private var syncOptions: SyncOptions {
        var limits = SyncLimits()
        // The end is not a day long.
        if isHealed, rosters.hasChanged { limits.rosterAge = 60 }
        let witnesses = options.exchangesIndexes ? 2 : 0
        return SyncOptions(authorities: rosters.authorities, limits: limits, witnesses: witnesses)
    }

    /// Mostly it stays or goes home, else to a place nearby, sometimes anywhere.
    private func roam(_ phone: Int) {
        let former = phones[phone].node
        let draw = phones[phone].random.below(10)
        let home = phones[phone].home
        switch draw {
        case 0: phones[phone].node = phones[phone].random.below(options.nodes)
        case 1, 2:
            let near = (0..<options.nodes).sorted { left, right in
                let trips = [left, right].map { options.geography.roundTrip(nodes[home].place, nodes[$0].place) }
                return (trips[0], left) < (trips[1], right)
            }
            phones[phone].node = near[phones[phone].random.below(min(4, near.count))]
        case 3, 4, 5: phones[phone].node = home
        default: break
        }
        if phones[phone].node != former { reach(.phoneRoamed) }
    }

    /// Runs what can run of a phone's sync, and carries out what came of it.
    private func goOn(_ phone: Int) {
        guard let process = phones[phone].process else { return }
        guard executor.run() else { return violate(.bounded, nil, "phone \(phone): a sync that never waits") }
        var news = process.takeNews()
        if news.isDead {
            // What waits for an answer waits no more.
            for request in phones[phone].pending.values + news.requests {
                request.continuation.resume(throwing: CancellationError())
            }
            phones[phone].pending = SortedMap()
            guard executor.run() else { return violate(.bounded, nil, "phone \(phone): a death without an end") }
            let last = process.takeNews()
            news.changes += last.changes
            news.end = news.end ?? last.end
            news.requests = []
        }
        for change in news.changes { take(change, of: phone) }
        for request in news.requests { send(request, of: phone) }
        if let end = news.end {
            finish(end, of: phone, isDead: news.isDead)
        } else if phones[phone].pending.isEmpty {
            violate(.orderly, nil, "phone \(phone) waits for nothing")
        }
    }

    private func finish(_ end: PhoneProcess.End, of phone: Int, isDead: Bool) {
        phones[phone].dyingAfter = isDead || isHealed ? nil : phones[phone].process?.stepsLeft
        phones[phone].process = nil
        phones[phone].generation += 1
        result.syncs += 1
        phones[phone].isTorn = isDead && phones[phone].hasCommitted
        switch end.contents {
        case .success(let contents): check(contents, of: phone)
        case .failure(let error): violate(.phones, nil, "phone \(phone) cannot read what it holds: \(error)")
        case nil: break
        }
        var isComplete = false
        switch end.result {
        case .success(let report):
            mark(report, of: phone)
            isComplete = report.isUpToDate
            note(
                phone: phone,
                "\(isComplete ? "is up to date with" : "has synced with") node \(phones[phone].node): "
                    + (report.notModified
                        ? "nothing new" : "\(report.batches.counted("batch")), \(report.keys.counted("key"))")
            )
        case .failure where isDead:
            note(phone: phone, "dies in a sync with node \(phones[phone].node)")
        case .failure(let error):
            switch (error as? SyncError)?.code {
            case .badIndex?: reach(.phoneRefusedIndex)
            case .replayed?: reach(.phoneFoundReplay)
            default: break
            }
            note(phone: phone, "could not sync with node \(phones[phone].node): \(error)")
        }
        phones[phone].hasFailed = !isComplete
        let pause = isComplete ? pollPause : min(pollPause, 2 * Plan.minute)
        poll(phone, after: pause / 2 + phones[phone].random.draw(0...pause))
    }

    /// Ends what still runs, so that nothing of it is left behind.
    func stopPhones() {
        for phone in phones.indices {
            guard let process = phones[phone].process else { continue }
            process.die()
            for request in phones[phone].pending.values + process.takeNews().requests {
                request.continuation.resume(throwing: CancellationError())
            }
            phones[phone].pending = SortedMap()
            _ = executor.run()
            phones[phone].process = nil
        }
    }

    // MARK: Requests

    private func send(_ request: PhoneProcess.Request, of phone: Int) {
        phones[phone].asked += 1
        let serial = phones[phone].asked
        phones[phone].pending[serial] = request
        trace.mix(UInt64(phone))
        trace.mix(Array(request.path.utf8))
        agenda.add(
            at: now + wayOfPhone(phone, to: request.node),
            .phoneAsks(phone: phone, generation: phones[phone].generation, serial: serial)
        )
    }

    private func wayOfPhone(_ phone: Int, to node: Int) -> Int64 {
        let trip = options.geography.roundTrip(nodes[phones[phone].home].place, nodes[node].place)
        let oneWay = trip * 500 + Simulation.phoneWay
        return oneWay + oneWay * phones[phone].random.draw(0...150) / 1000
    }

    /// A request reaches the node that is asked.
    func answerPhone(_ phone: Int, _ generation: Int, _ serial: Int) {
        guard phones[phone].generation == generation, let request = phones[phone].pending[serial] else { return }
        let (home, index) = (phones[phone].home, request.node)
        let isLost = nodes[index].loss.map { $0.until > now && phones[phone].random.chance($0.part / 3) } ?? false
        let stands = nodes[index].pausedUntil > now || phones[phone].offlineUntil > now
        guard isOpen(home, index), isOpen(index, home), !isLost, !stands, lie(of: index) != .noAnswers else {
            reach(.phoneTimedOut)
            return agenda.add(at: now + Simulation.phoneTimeout, .phoneHears(phone: phone, generation, serial, nil))
        }
        let back = now + wayOfPhone(phone, to: index)
        guard nodes[index].process != nil else {
            return agenda.add(at: back, .phoneHears(phone: phone, generation, serial, nil))
        }
        let response = told(response(to: request, at: index), to: request.path, of: phone, by: index)
        var delay = transferTime(response.body.count, index, index)
        if lie(of: index) == .slow { delay += phones[phone].random.draw(5 * Plan.second...40 * Plan.second) }
        let isLate = delay > Simulation.phoneTimeout
        if isLate { reach(.phoneTimedOut) }
        agenda.add(
            at: isLate ? now + Simulation.phoneTimeout : back + delay,
            .phoneHears(phone: phone, generation, serial, isLate ? nil : response)
        )
    }

    struct NoAnswer: Error {}

    func hear(_ response: TransportResponse?, _ phone: Int, _ generation: Int, _ serial: Int) {
        guard phones[phone].generation == generation, let request = phones[phone].pending[serial] else { return }
        phones[phone].pending[serial] = nil
        trace.mix(UInt64(response?.status ?? 0))
        trace.mix(response?.body ?? [])
        if let response {
            if response.body.count > request.limit {
                request.continuation.resume(throwing: SyncError(.bodyTooLarge, "\(request.path) is too large"))
            } else {
                request.continuation.resume(returning: response)
            }
        } else {
            request.continuation.resume(throwing: NoAnswer())
        }
        goOn(phone)
    }

    func note(phone: Int, _ text: @autoclosure () -> String) {
        observer?(Moment(time: now, node: nil, phone: phone, text: text()))
    }
}
