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
        case .send(_, .pull): reach(.pulled)
        case .send(_, .unsubscribe): reach(.unsubscribed)
        case .send(_, .digest(let digest)) where digest.isAnswer: reach(.agreed)
        case .send(_, .holdings): reach(.exchangedHoldings)
        case .alarm(let alarm): mark(alarm)
        default: break
        }
    }

    private func mark(_ alarm: ReplicaAlarm) {
        switch alarm {
        case .unknownRegion: reach(.passedOverRegion)
        case .rejected: reach(.distrusted)
        case .malformedFeed: reach(.blockedFeed)
        case .tooManyEpochs: reach(.tooManyEpochs)
        case .batchFromFuture: reach(.waitedForClock)
        case .storeFailed: reach(.storeFailed)
        default: break
        }
    }
}
