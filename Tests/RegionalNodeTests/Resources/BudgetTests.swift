import RegionalNode
import Testing

/// How files and memory are shared out.
@Suite struct BudgetTests {
    private static let free = ControlGroup(groups: "", mounts: "", read: { _ in nil })

    @Test(arguments: [1024, 4096, 20_000, 524_288, 1_048_576])
    func eachListenerHasAPartOfTheFiles(limit: Int) throws {
        let budget = try FileBudget(limit: limit, inUse: 10, loops: 2)
        let parts = [budget.peerConnections, budget.adminConnections, budget.monitorConnections]
        let all = parts.reduce(budget.publicConnections, +)
        #expect(all + 10 + 54 <= limit)
        #expect(budget.publicConnections >= min(10_000, limit / 2), "most is for phones")
        #expect(parts.allSatisfy { $0 >= 4 && $0 <= 10_000 })
    }

    @Test func belowSixtyFourConnectionsANodeDoesNotStart() throws {
        let least = try FileBudget(limit: 10 + 54 + 64, inUse: 10, loops: 2)
        #expect(least.publicConnections == 36)
        let error = #expect(throws: NodeError.self) { try FileBudget(limit: 10 + 54 + 63, inUse: 10, loops: 2) }
        #expect(error?.code == .limits)
        #expect(error?.reason.contains("LimitNOFILE=") == true)
        #expect(try FileBudget(limit: nil, inUse: 10, loops: 2).publicConnections == 10_000)
    }

    @Test func theBudgetIsTheLeastOfTheSettingAndHalfOfWhatThereIs() throws {
        func bytes(_ setting: Int, _ memory: Int?, _ addressSpace: Int? = nil, _ data: Int? = nil) throws -> Int {
            var group = Self.free
            group.memory = memory.map { $0 << 20 }
            let budget = try MemoryBudget(
                setting: setting << 20,
                group: group,
                addressSpace: addressSpace.map { $0 << 20 },
                data: data.map { $0 << 20 }
            )
            #expect(budget.cacheBytes + budget.sharedBytes == budget.bytes)
            return budget.bytes >> 20
        }
        #expect(try bytes(512, nil) == 512)
        #expect(try bytes(512, 4096) == 512)
        #expect(try bytes(512, 600) == 300)
        #expect(try bytes(512, 128) == 64)
        #expect(try bytes(512, nil, 1024) == 128)
        #expect(try bytes(512, nil, nil, 200) == 100)
        for (memory, addressSpace, data, name) in [
            (127, nil, nil, "MemoryMax="), (nil, 1023, nil, "LimitAS="), (nil, nil, 127, "LimitDATA="),
        ] as [(Int?, Int?, Int?, String)] {
            let error = #expect(throws: NodeError.self) { try bytes(512, memory, addressSpace, data) }
            #expect(error?.code == .limits)
            #expect(error?.reason.contains(name) == true)
        }
    }
}
