internal import ExposureKeys
internal import FeedFormat
package import Replication

/// Every kind of alarm that a node raises. There is no alarm without a kind, and no kind without an end.
package enum AlarmKind: String, CaseIterable, Sendable {
    // This node's own.
    case certificateEnds, certificateRefused, certificateUnlisted
    case rosterEnds, rosterFileUnreadable, rosterFileRefused, rosterNotKept, keptRosterPassedOver
    case cannotPublish, keyEnds, signingKeyExposed
    case storeTakesNothing, storeRefusedCall, storeReplaced, batchesDamaged
    case batchUnreadable, batchesUnchecked, rangeUnreadable
    case closureNotCarriedOut, takeOverNotRead, indexNotSigned, importNotEncoded
    case manyEpochs, publishesElsewhere, ownForked, clockDiffers, batchesAhead, heldKeysReplaced
    /// A limit of a listener is met: of open files, of places for connections, of memory.
    case limitReached
    // What others can cause at will.
    case unknownRegion, rejected, rejectedIndex, malformedFeed, forked, forkedRoster, refusedRoster, tooManyEpochs,
        tooManyBytes, batchFromFuture, manyLines

    /// When an alarm is over.
    package enum End: Hashable, Sendable {
        /// When what it says holds no more. Somebody looks all the time and says that it still holds; when nobody has
        /// said so for `AlarmKind.lease`, it is over, too.
        case putRight
        /// When it has not come again for so many milliseconds.
        case silence(Int64)
    }

    package var end: End {
        switch self {
        case .certificateEnds, .certificateRefused, .certificateUnlisted, .rosterEnds, .rosterFileUnreadable,
            .rosterFileRefused, .rosterNotKept, .cannotPublish, .keyEnds, .signingKeyExposed, .storeTakesNothing,
            .storeReplaced, .batchesDamaged, .closureNotCarriedOut, .takeOverNotRead, .manyEpochs, .ownForked, .forked,
            .clockDiffers, .malformedFeed, .batchesAhead, .heldKeysReplaced, .limitReached:
            .putRight
        case .keptRosterPassedOver, .storeRefusedCall, .indexNotSigned, .importNotEncoded, .publishesElsewhere:
            .silence(AlarmKind.day)
        case .batchUnreadable, .batchesUnchecked, .rangeUnreadable, .unknownRegion, .rejected, .rejectedIndex,
            .forkedRoster, .refusedRoster, .tooManyEpochs, .tooManyBytes, .batchFromFuture, .manyLines:
            .silence(AlarmKind.hour)
        }
    }

    /// Such alarms never drive out those of the node's own, and are logged at most once a minute each.
    package var isCausedByOthers: Bool {
        switch self {
        case .unknownRegion, .rejected, .rejectedIndex, .malformedFeed, .forked, .forkedRoster, .refusedRoster,
            .tooManyEpochs, .tooManyBytes, .batchFromFuture, .manyLines:
            true
        default: false
        }
    }

    /// Milliseconds after which what nobody says any more holds no more: some rounds of the slowest that looks.
    package static let lease: Int64 = 180_000
    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 86_400_000
}

extension ReplicaAlarm {
    /// Its kind, and what it is about: of each the node keeps one, however the text changes. Nil for what is said of the
    /// store and not of a feed (`StoreCare`).
    package var subject: (kind: AlarmKind, about: String)? {
        switch self {
        case .unknownRegion(_, let peer): (.unknownRegion, peer.code)
        case .rejected(_, let peer, _): (.rejected, peer.code)
        case .malformedFeed(let feed, _): (.malformedFeed, feed.region.code)
        case .rejectedIndex(let peer, _): (.rejectedIndex, peer.code)
        case .forkedRoster(let peer): (.forkedRoster, peer.code)
        case .tooManyEpochs(let region): (.tooManyEpochs, region.code)
        case .tooManyBytes(let region): (.tooManyBytes, region.code)
        case .batchFromFuture(let feed, _): (.batchFromFuture, feed.region.code)
        case .forked(let feed, let isOwn): (isOwn ? .ownForked : .forked, feed.region.code)
        case .clockDiffers: (.clockDiffers, "")
        case .storeFailed: nil
        }
    }

    /// In words, with times as people read them.
    package var text: String {
        guard case .batchFromFuture(let feed, let publication) = self else { return description }
        return
            "feed \(feed) has a batch of \(UTCText.moment(publication.unixSeconds)), over two hours ahead of this clock; "
            + "check this node's clock first"
    }
}
