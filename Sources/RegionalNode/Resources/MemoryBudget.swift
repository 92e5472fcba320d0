/// How much memory a node uses for what others make it hold: bodies and frames on their way, ranges kept ready, imports.
package struct MemoryBudget: Sendable, Equatable {
    /// In all.
    package let bytes: Int
    /// Of these, for ranges that are kept ready.
    package var cacheBytes: Int { min(32 << 20, bytes / 8) }
    /// The rest, for connections and imports.
    package var sharedBytes: Int { bytes - cacheBytes }

    /// What a node takes before anybody asks it for anything, with room to work.
    package static let leastMemory = 128 << 20
    /// The same of address space, most of which is set aside for threads and never touched.
    package static let leastAddressSpace = 1 << 30
    private static let ownAddressSpace = 768 << 20

    /// - Parameters:
    ///   - setting: bytes, as the operator has it.
    ///   - group: limits of this process's control group.
    ///   - addressSpace: bytes that the process may map; nil for any number.
    ///   - data: bytes of data that it may have; nil for any number.
    /// - Throws: `NodeError` with `limits` where a node could not live.
    package init(setting: Int, group: ControlGroup, addressSpace: Int?, data: Int?) throws(NodeError) {
        try MemoryBudget.check(group.memory, MemoryBudget.leastMemory, "MemoryMax= of its control group")
        try MemoryBudget.check(data, MemoryBudget.leastMemory, "LimitDATA=")
        try MemoryBudget.check(addressSpace, MemoryBudget.leastAddressSpace, "LimitAS=")
        let spare = addressSpace.map { $0 - MemoryBudget.ownAddressSpace }
        let halves = [group.memory, data, spare].compactMap { $0.map { $0 / 2 } }
        bytes = min(setting, halves.min() ?? setting)
    }

    /// What holds for this process now.
    static func ofThisProcess(setting: Int) throws(NodeError) -> MemoryBudget {
        try MemoryBudget(
            setting: setting,
            group: .current,
            addressSpace: ProcessLimits.soft(.addressSpace),
            data: ProcessLimits.soft(.data)
        )
    }

    private static func check(_ limit: Int?, _ least: Int, _ name: String) throws(NodeError) {
        guard let limit, limit < least else { return }
        throw NodeError(
            .limits,
            "\(name) is \(limit >> 20) MiB, and a node needs at least \(least >> 20) MiB: raise it"
        )
    }
}
