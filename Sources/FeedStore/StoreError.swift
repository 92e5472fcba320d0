/// Why a store did not do what it was asked. Two errors are equal if their codes are.
public struct StoreError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// The file cannot be created or opened, or is no feed store.
        public static let cannotOpen = Code("cannotOpen")
        /// Another process, or another store of this one, holds the file.
        public static let inUse = Code("inUse")
        /// The disk, a quota or a limit on file size leaves no room. Nothing of the call was kept; the same call
        /// works once there is room.
        public static let full = Code("full")
        /// The bytes of a batch are not those that were stored; all else can be relied on.
        public static let damaged = Code("damaged")
        /// What the file holds contradicts itself or is no database any more.
        public static let corrupt = Code("corrupt")
        /// A batch is not the next of its feed, or a feed that has batches was to begin anew.
        public static let outOfSequence = Code("outOfSequence")
        /// A size or number exceeds a limit of `FormatLimits`.
        public static let limitExceeded = Code("limitExceeded")
        /// A newer version of this program has written the file.
        public static let newerSchema = Code("newerSchema")
        /// The store has been closed.
        public static let closed = Code("closed")
        /// Reading or writing failed for another reason. Nothing of the call was kept.
        public static let io = Code("io")
    }

    public let code: Code
    /// For an operator: what happened, where, and what to do about it.
    public let reason: String
    /// The error of the layer below, if that is where it arose.
    public let cause: (any Error)?

    public init(_ code: Code, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
    }

    public static func == (left: StoreError, right: StoreError) -> Bool { left.code == right.code }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        guard let cause else { return "\(code): \(reason)" }
        return "\(code): \(reason) (\(cause))"
    }
}
