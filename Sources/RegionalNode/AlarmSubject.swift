package import ExposureKeys
internal import FeedFormat
package import Replication

/// What an alarm is about that others can cause at will: one is kept of each kind and region, however its text changes.
package struct AlarmSubject: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case unknownRegion, rejected, rejectedIndex, forkedRoster, refusedRoster, tooManyEpochs, tooManyBytes,
            batchFromFuture
    }

    let kind: Kind
    /// Who sent it; or the region of which there is too much, whoever said so.
    let region: Region

    package init(_ kind: Kind, _ region: Region) {
        self.kind = kind
        self.region = region
    }
}

extension ReplicaAlarm {
    /// Nil for what only this node, or a region's own signature, can cause.
    package var subject: AlarmSubject? {
        switch self {
        case .unknownRegion(_, let peer): AlarmSubject(.unknownRegion, peer)
        case .rejected(_, let peer, _): AlarmSubject(.rejected, peer)
        case .rejectedIndex(let peer, _): AlarmSubject(.rejectedIndex, peer)
        case .forkedRoster(let peer): AlarmSubject(.forkedRoster, peer)
        case .tooManyEpochs(let region): AlarmSubject(.tooManyEpochs, region)
        case .tooManyBytes(let region): AlarmSubject(.tooManyBytes, region)
        case .batchFromFuture(let feed, _): AlarmSubject(.batchFromFuture, feed.region)
        default: nil
        }
    }
}
