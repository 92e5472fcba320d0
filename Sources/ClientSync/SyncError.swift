internal import FeedFormat

/// Why a sync, or one feed of it, did not go on. Two errors are equal if their codes are.
public struct SyncError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// No answer came.
        public static let noAnswer = Code("noAnswer")
        /// A body is larger than what was asked for can be.
        public static let bodyTooLarge = Code("bodyTooLarge")
        /// The node answered with a status that the route does not have, or with a failure of its own.
        public static let unexpectedStatus = Code("unexpectedStatus")
        /// The node does not know what its index lists (404).
        public static let notFound = Code("notFound")
        /// The node has dropped what its index still lists (410).
        public static let gone = Code("gone")
        /// A roster that does not verify, has expired, or contradicts the one held.
        public static let badRoster = Code("badRoster")
        /// The roster in use has expired and no newer one is to be had.
        public static let rosterExpired = Code("rosterExpired")
        /// An index that does not verify.
        public static let badIndex = Code("badIndex")
        /// A batch is damaged on the node's disk, or lacking there (503 with that problem type).
        public static let damaged = Code("damaged")
        /// Batches that the node says it has dropped or does not give, though they cannot be old enough.
        public static let withheld = Code("withheld")
        /// An index that is far older than one seen of the same node before.
        public static let replayed = Code("replayed")
        /// Bytes of a feed that do not verify or do not decode.
        public static let badFeed = Code("badFeed")
        /// A statement that contradicts what this phone has verified.
        public static let contradiction = Code("contradiction")
        /// The roster does not list the region.
        public static let unlistedRegion = Code("unlistedRegion")
        /// A region that was asked for is not in the node's index.
        public static let absentRegion = Code("absentRegion")
        /// A region has more living epochs than are followed.
        public static let tooManyEpochs = Code("tooManyEpochs")
        /// A limit on feeds, requests or bytes of one sync is reached.
        public static let limitReached = Code("limitReached")
        /// Another sync of the same store moved the cursor meanwhile.
        public static let cursorMoved = Code("cursorMoved")
    }

    public let code: Code
    /// What happened, where, and what to do.
    public let reason: String
    /// What lies beneath, if an error does.
    public let cause: (any Error)?

    public init(_ code: Code, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
    }

    /// A problem of one feed's bytes.
    static func feed(_ feed: FeedID, _ cause: FormatError) -> SyncError {
        SyncError(
            .badFeed,
            "feed \(feed): \(cause.reason); nothing of it was kept, what was verified before stays; try another node",
            cause: cause
        )
    }

    public static func == (left: SyncError, right: SyncError) -> Bool { left.code == right.code }
}

extension SyncError: CustomStringConvertible {
    public var description: String { "\(code): \(reason)" }
}
