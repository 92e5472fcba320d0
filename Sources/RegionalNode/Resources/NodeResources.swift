internal import HTTP2
internal import Logging
internal import NIOCore

/// What the system lets this process have, and how it is shared out.
struct NodeResources: Sendable {
    let files: FileBudget
    let memory: MemoryBudget
    /// What connections and imports take of it.
    let shared: SharedMemory

    /// - Throws: `NodeError` with `limits` where a node could not live.
    init(_ configuration: NodeConfiguration) throws(NodeError) {
        files = try FileBudget.ofThisProcess(loops: NIOSingletons.groupLoopCountSuggestion)
        memory = try MemoryBudget.ofThisProcess(setting: configuration.memory)
        shared = SharedMemory(limit: memory.sharedBytes)
    }

    /// Phones that may be connected at once: as many as there are files for, and memory, an eighth of which is left for what
    /// they ask for.
    var publicPlaces: Int {
        min(files.publicConnections, memory.sharedBytes / 8 * 7 / ServerConfiguration.bytesPerConnection)
    }

    func log(_ logger: Logger) {
        logger.notice(
            "what this node may use",
            metadata: [
                "files": files.limit == .max ? "unlimited" : "\(files.limit)",
                "publicConnections": "\(publicPlaces)", "peerConnections": "\(files.peerConnections)",
                "memoryMiB": "\(memory.bytes >> 20)",
            ]
        )
    }
}
