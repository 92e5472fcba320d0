/// Why bytes are not what they claim to be. Two errors are equal if their codes are.
public struct FormatError: Error, Sendable, Equatable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// The bytes end before the value does.
        public static let truncated = Code("truncated")
        /// Bytes follow where the value is complete.
        public static let trailingBytes = Code("trailingBytes")
        /// The first bytes are not those of this format or version.
        public static let unknownFormat = Code("unknownFormat")
        /// A length, count or size exceeds a documented limit.
        public static let limitExceeded = Code("limitExceeded")
        /// A length or count that the bytes present cannot hold.
        public static let lyingLength = Code("lyingLength")
        /// A value has a shorter encoding than the one given, or padding bits are set.
        public static let notCanonical = Code("notCanonical")
        /// Entries that must ascend do not.
        public static let notAscending = Code("notAscending")
        /// A value lies outside its range.
        public static let outOfRange = Code("outOfRange")
        /// Compressed bytes do not decompress to the declared size.
        public static let decompression = Code("decompression")
        /// A key ends after the batch's publication interval, or 15 days or more before it.
        public static let keyOutsideWindow = Code("keyOutsideWindow")
        /// Text that is not a C2SP signed note.
        public static let malformedNote = Code("malformedNote")
        /// No signature by the expected key is there, or too few.
        public static let missingSignature = Code("missingSignature")
        /// A signature by the expected key does not fit the text.
        public static let wrongSignature = Code("wrongSignature")
        /// A batch's number, or a checkpoint's size, region or epoch, is not the one expected here.
        public static let wrongPosition = Code("wrongPosition")
        /// The Merkle root of the bytes is not the signed one.
        public static let rootMismatch = Code("rootMismatch")
        /// Two statements that are to contradict each other can both be true.
        public static let noContradiction = Code("noContradiction")
        /// A roster past its expiry.
        public static let expired = Code("expired")
        /// A roster that contradicts the one held, though authorities signed both.
        public static let forkedRoster = Code("forkedRoster")
        /// A roster so far ahead of the one held that it does not name it.
        public static let unconnectedRoster = Code("unconnectedRoster")
    }

    public let code: Code
    /// What was read, where in it, and what is wrong with it.
    public let reason: String

    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    public static func == (left: FormatError, right: FormatError) -> Bool { left.code == right.code }
}

extension FormatError: CustomStringConvertible {
    public var description: String { "\(code): \(reason)" }
}
