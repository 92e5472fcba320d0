/// Why a node cannot start or do what it was asked. Equality is on the code.
public struct NodeError: Error, Sendable, Equatable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// A configuration value is missing or not of its form.
        public static let configuration = Code("configuration")
        /// A file that the configuration names cannot be read or does not hold what it should.
        public static let file = Code("file")
        /// The roster does not list this region, or not with the key that this node holds.
        public static let notInRoster = Code("notInRoster")
        /// The system does not let this process have what a node needs: files, threads, memory.
        public static let limits = Code("limits")
        /// An address or socket cannot be listened on.
        public static let listen = Code("listen")
        /// A neighbour does not take a link.
        public static let link = Code("link")
        /// An import was refused as a whole.
        public static let importRefused = Code("importRefused")
        /// The store could not keep what was to be published.
        public static let store = Code("store")
    }

    public let code: Code
    /// What happened, where, and what to do.
    public let reason: String
    public let cause: (any Error)?

    public init(_ code: Code, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
    }

    public static func == (left: NodeError, right: NodeError) -> Bool { left.code == right.code }

    public var description: String { cause.map { "\(reason) (\($0))" } ?? reason }
}
