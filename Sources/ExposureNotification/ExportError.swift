/// Why an export archive, or a key that belongs to it, was refused. Two errors are equal when their codes are.
public struct ExportError: Error {
    public let code: Code
    /// What happened, where, and what to do about it. Never holds key bytes.
    public let reason: String
    public let cause: (any Error)?

    public init(_ code: Code, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
    }

    /// Further codes may come; handle the ones you know and treat the rest as a refusal.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// The bytes are not a ZIP archive.
        public static let notAnArchive = Code("notAnArchive")
        /// The bytes begin like a ZIP archive and end too early.
        public static let truncated = Code("truncated")
        /// `export.bin` or `export.sig` is not in the archive.
        public static let memberMissing = Code("memberMissing")
        /// The archive holds something else besides `export.bin` and `export.sig`, or one of them twice.
        public static let memberUnexpected = Code("memberUnexpected")
        /// A member's records contradict each other, or its bytes do not inflate to what they declare.
        public static let memberCorrupt = Code("memberCorrupt")
        /// A valid ZIP feature that export archives do not use: encryption, another compression, ZIP64, several disks.
        public static let unsupportedArchive = Code("unsupportedArchive")
        /// A size or count above the limits given.
        public static let tooLarge = Code("tooLarge")
        /// `export.bin` does not begin with the header of an export file.
        public static let notAnExport = Code("notAnExport")
        /// A protobuf message is cut short or wrongly coded.
        public static let malformedMessage = Code("malformedMessage")
        /// `export.sig` holds no signature of a kind that is supported.
        public static let noSignature = Code("noSignature")
        /// No signature over `export.bin` was made by the key given.
        public static let wrongSignature = Code("wrongSignature")
        /// The bytes given as a verification or signing key are not one.
        public static let badVerificationKey = Code("badVerificationKey")
        public static let badSigningKey = Code("badSigningKey")
        /// The export format cannot express a value that was to be written.
        public static let notRepresentable = Code("notRepresentable")
        /// The cryptographic library or zlib failed on valid input.
        public static let internalFailure = Code("internalFailure")
    }
}

extension ExportError: Equatable {
    public static func == (left: ExportError, right: ExportError) -> Bool { left.code == right.code }
}

extension ExportError: CustomStringConvertible {
    public var description: String {
        let text = "\(code): \(reason)"
        return cause.map { "\(text) (\($0))" } ?? text
    }
}
