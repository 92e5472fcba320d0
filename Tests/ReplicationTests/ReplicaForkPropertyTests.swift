import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// Random histories of a region and of thieves with its key: forks are proven if and only if they are real, whatever
/// fails meanwhile, and nobody honest is accused.
@Suite struct ReplicaForkPropertyTests {
    private struct World {
        let network: InMemoryNetwork
        let honest: Range<Int>
        var thief: Int { honest.upperBound }

        init(_ seed: UInt64) throws {
            var random = SplitMix64(seed: seed &* 577)
            let count = Int.random(in: 3...6, using: &random)
            var options = NetworkOptions.random(count, seed: seed)
            options.nodes = count + 1
            options.copies = [count: 0]
            for victim in Set((0..<2).map { _ in Int.random(in: 1..<count, using: &random) }).sorted() {
                options.edges.append(.init(dialler: count, other: victim))
            }
            options.storeDelay = 1...Int64.random(in: 1...60, using: &random)
            options.latency = 1...Int64.random(in: 1...100, using: &random)
            options.failingFetches = Int.random(in: 0...3, using: &random) * 10
            network = try InMemoryNetwork(options)
            honest = 0..<count
            network.nodes[count].isThief = true
            for index in honest { try network.start(index, linked: true) }
            network.run(for: 1000)
        }

        func act(_ random: inout SplitMix64) throws {
            let other = Int.random(in: honest.dropFirst(), using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0...2: try publish(0, batches: Int.random(in: 1...4, using: &random))
            case 3: try network.publish(other)
            case 4: network.crash(0, storesFinish: true)
            case 5: network.crash(other, storesFinish: Bool.random(using: &random))
            case 6, 7: try steal(&random)
            case 8: for index in honest { try network.signIndex(index) }
            case 9:
                let edge = network.options.edges[Int.random(in: network.options.edges.indices, using: &random)]
                if Bool.random(using: &random) {
                    network.cut(edge.dialler, edge.other)
                } else {
                    network.heal(edge.dialler, edge.other)
                }
            default: try publish(thief, batches: Int.random(in: 1...3, using: &random))
            }
            for index in honest where network.nodes[index].replica == nil && Int.random(in: 0..<3, using: &random) == 0
            {
                try network.start(index, linked: true)
            }
            network.run(for: Int64.random(in: 0...4000, using: &random))
        }

        /// Somebody gets what is on the region's disk and what its process knows, and publishes while it is cut off; later
        /// the region may publish at the same places.
        private func steal(_ random: inout SplitMix64) throws {
            guard let pen = network.nodes[0].writer, network.nodes[0].replica != nil,
                network.thefts[pen.feed] == nil
            else { return }
            for edge in network.options.edges where edge.dialler == 0 || edge.other == 0 {
                network.cut(edge.dialler, edge.other)
            }
            network.crash(thief)
            network.nodes[thief].disk = network.nodes[0].disk
            try network.start(thief, linked: true)
            if Int.random(in: 0..<4, using: &random) > 0 { network.nodes[thief].writer = pen }
            try publish(thief, batches: Int.random(in: 1...3, using: &random))
            network.run(for: Int64.random(in: 0...15_000, using: &random))
            if Bool.random(using: &random) { try publish(0, batches: Int.random(in: 1...3, using: &random)) }
        }

        /// Publishes, in a new epoch if there is more of the open one on the disk than its pen has written.
        private func publish(_ index: Int, batches: Int) throws {
            if let pen = network.nodes[index].writer,
                network.nodes[index].held(pen.feed) != pen.frontier.size
                    || network.nodes[index].storing[pen.feed] != nil
            {
                network.crash(index, storesFinish: true)
                try network.start(index, linked: true)
            }
            try network.publish(index, batches: batches)
        }

        /// All that is honest runs and is linked; the thief is gone.
        func settle() throws {
            network.crash(thief)
            network.failingFetches = 0
            for edge in network.options.edges { network.heal(edge.dialler, edge.other) }
            for index in honest where network.nodes[index].replica == nil { try network.start(index, linked: true) }
            for _ in 0..<3 {
                network.run(for: 100_000)
                for index in honest { try network.signIndex(index) }
            }
            network.run(for: 100_000)
        }
    }

    @Test func forksAreProvenIfAndOnlyIfTheyAreReal() throws {
        var (forked, sound) = (0, 0)
        for seed in UInt64(1)...80 {
            var random = SplitMix64(seed: seed)
            let world = try World(seed)
            let network = world.network
            for _ in 0..<20 { try world.act(&random) }
            try world.settle()
            let knowing = world.honest.filter { network.nodes[$0].replica?.openForks.isEmpty == false }
            let contradictions = network.contradictions(among: world.honest)
            // That a proof is real is checked wherever one is kept: it is a violation if not.
            #expect(knowing.isEmpty || knowing == Array(world.honest), "seed \(seed): not everybody knows")
            #expect(contradictions.isEmpty || !knowing.isEmpty, "seed \(seed): \(contradictions) is not found")
            #expect(network.violations.isEmpty, "seed \(seed)")
            for index in world.honest {
                for case .rejected(_, let peer, let reason) in network.nodes[index].alarms
                where peer != network.nodes[0].region {
                    Issue.record("seed \(seed): node \(index) accuses \(peer): \(reason)")
                }
            }
            if contradictions.isEmpty { sound += 1 } else { forked += 1 }
        }
        #expect(forked >= 15, "\(forked) forks")
        #expect(sound >= 15, "\(sound) sound")
    }
}
