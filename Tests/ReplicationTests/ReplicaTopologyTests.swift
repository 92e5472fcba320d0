import Testing

/// Everybody ends with everything, and in the steady state hardly a byte crosses to a node twice.
@Suite struct ReplicaTopologyTests {
    @Test(arguments: [
        ("two", NetworkOptions.line(2)), ("line of 3", .line(3)), ("ring of 5", .ring(5)), ("mesh of 8", .mesh(8)),
    ])
    func everyBatchCrossesOnce(name: String, options: NetworkOptions) throws {
        let network = try InMemoryNetwork(options)
        try network.startAll()
        network.run(for: 1000)
        // The first batch of every region teaches the trees.
        for _ in 0..<2 {
            for index in network.nodes.indices { try network.publish(index) }
            #expect(network.run(within: 30_000) { network.isConverged } != nil, "\(network.gaps)")
            network.run(for: 2000)
        }
        let pushedBefore = network.nodes.map(\.pushed)
        let fetchedBefore = network.nodes.map(\.fetched)
        let fetchesBefore = network.nodes.map(\.fetches)
        let rounds = 20
        for _ in 0..<rounds {
            for index in network.nodes.indices { try network.publish(index) }
            network.run(for: 1000)
        }
        #expect(network.run(within: 30_000) { network.isConverged } != nil, "\(network.gaps)")
        network.run(for: 2000)
        let others = (network.nodes.count - 1) * rounds
        var copies: [Double] = []
        for (index, node) in network.nodes.enumerated() {
            let arrived = node.pushed - pushedBefore[index] + node.fetched - fetchedBefore[index]
            copies.append(Double(arrived) / Double(others))
            // Frames take 2 to 40 ms here, so what is late may be fetched in vain: seldom.
            let limit = others / 20
            #expect(node.fetches - fetchesBefore[index] <= limit, "node \(index) fetched in the steady state")
            #expect(others...others + limit ~= arrived, "node \(index): \(arrived) copies of \(others) batches")
            #expect(node.alarms.isEmpty)
        }
        print("\(name): copies of each batch per node: \(copies), events: \(network.events)")
        #expect(copies.reduce(0, +) <= 1.02 * Double(copies.count))
        #expect(network.violations.isEmpty)
    }
}
