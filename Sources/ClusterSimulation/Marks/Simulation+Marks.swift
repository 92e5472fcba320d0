import ClientSync
import Replication

/// Where marks can be read off what a replica wants.
extension Simulation {
    func reach(_ mark: Mark) { result.marks[mark] += 1 }

    func mark(_ effect: ReplicaEffect) {
        switch effect {
        case .fetchFrontier: reach(.fetchedFrontier)
        case .readBatches: reach(.answeredPull)
        case .close: reach(.closedLink)
        case .replace: reach(.repaired)
        case .settleFork: reach(.settledFork)
        case .send(_, .pull): reach(.pulled)
        case .send(_, .unsubscribe): reach(.unsubscribed)
        case .send(_, .digest(let digest)) where digest.isAnswer: reach(.agreed)
        case .send(_, .holdings): reach(.exchangedHoldings)
        case .alarm(let alarm): mark(alarm)
        case .endAlarm(.clockDiffers): reach(.clockAgreed)
        default: break
        }
    }

    /// What came of a phone's sync.
    func mark(_ report: SyncReport, of phone: Int) {
        if phones[phone].isBackFromOffline { reach(.phoneWasOffline) }
        phones[phone].isBackFromOffline = false
        if report.notModified { reach(.phoneUnmodified) }
        if report.witnesses.isWitnessed { reach(.phoneWitnessed) }
        for finding in report.witnesses.findings {
            note(phone: phone, "finds \(finding)")
            switch finding.kind {
            case .withheld: reach(.phoneFoundWithheld)
            case .fork: reach(.phoneFoundFork)
            case .replayed: reach(.phoneFoundReplay)
            case .unshownClaim, .falseClaim: reach(.phoneDoubtedWitness)
            case .onlyHere: reach(.phoneFoundOwnEpoch)
            default: break
            }
        }
        for feed in report.feeds {
            if feed.nodeLags { reach(.phoneSawLag) }
            if feed.isWaiting { reach(.phoneWaited) }
            if feed.problem?.code == .badFeed { reach(.phoneRefusedBytes) }
            if feed.problem?.code == .damaged { reach(.phoneSawDamage) }
            if feed.problem?.code == .withheld { reach(.phoneSawWithholding) }
            switch feed.evidence?.kind {
            case .fork: reach(.phoneKeptFork)
            case .indexClaim: reach(.phoneKeptClaim)
            case .withheld, .replay, nil: break
            }
        }
    }

    private func mark(_ alarm: ReplicaAlarm) {
        switch alarm {
        case .unknownRegion: reach(.passedOverRegion)
        case .rejected: reach(.distrusted)
        case .malformedFeed: reach(.blockedFeed)
        case .tooManyEpochs: reach(.tooManyEpochs)
        case .batchFromFuture: reach(.waitedForClock)
        case .clockDiffers: reach(.clockDiffered)
        case .storeFailed: reach(.storeFailed)
        default: break
        }
    }
}
