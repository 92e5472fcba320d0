/// Why a phone's store did not do what it was asked. Two errors are equal if their codes are.
public struct DeviceStoreError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// The file cannot be created or opened, or is no device store.
        public static let cannotOpen = Code("cannotOpen")
        /// Another process holds the file for longer than is worth waiting.
        public static let inUse = Code("inUse")
        /// The disk, a quota or a limit leaves no room. Nothing of the call was kept.
        public static let full = Code("full")
        /// What the file holds contradicts itself or is no database any more.
        public static let corrupt = Code("corrupt")
        /// A newer version of this program has written the file.
        public static let newerSchema = Code("newerSchema")
        /// The sightings are sealed under another key than the one given.
        public static let wrongKey = Code("wrongKey")
        /// Sightings were asked for, or are still to be sealed, and no key was given.
        public static let keyNeeded = Code("keyNeeded")
        /// Reading or writing failed for another reason. Nothing of the call was kept.
        public static let io = Code("io")
    }

    public let code: Code
    /// What happened, where, and what to do about it.
    public let reason: String
    public let cause: (any Error)?

    public init(_ code: Code, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
    }

    public static func == (left: DeviceStoreError, right: DeviceStoreError) -> Bool { left.code == right.code }
}

extension DeviceStoreError: CustomStringConvertible {
    public var description: String { "\(code): \(reason)" }
}
