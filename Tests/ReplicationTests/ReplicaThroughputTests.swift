import ExposureKeys
import FeedFormat
import Replication
import Testing
import TestSupport

/// A node of a full country: 63 regions of 2 epochs each, 8 links.
@Suite(.serialized) struct ReplicaThroughputTests {
    private let regions = 63
    private let links = 8
    private let rounds = 6

    private struct Measure {
        var events = 0
        var effects = 0
        var time = Duration.zero

        var perSecond: Double { Double(events) / (time / .seconds(1)) }
    }

    /// Every link adverts every batch, one pushes it; each event costs what it concerns, not what the node holds.
    @Test func eventsCostWhatTheyConcern() throws {
        let network = try InMemoryNetwork(NetworkOptions(nodes: regions))
        var random = SplitMix64(seed: 1)
        var replica = Replica(region: network.nodes[0].region, roster: network.roster, held: [])
        var now = Timestamp(milliseconds: network.now)
        var light = Measure()
        var pushes = Measure()
        let clock = ContinuousClock()
        func handle(_ event: ReplicaEvent, _ measure: inout Measure) -> [ReplicaEffect] {
            let start = clock.now
            let effects = replica.handle(event, now: now, random: &random)
            measure.time += clock.now - start
            measure.events += 1
            measure.effects += effects.count
            return effects
        }
        for number in 1...links {
            let link = LinkID(UInt64(number))
            _ = handle(.linkOpened(link, expected: nil), &light)
            let hello = LinkFrame.Hello(region: network.nodes[number].region)
            _ = handle(.received(link, .hello(hello)), &light)
            for index in 1..<regions where index % links != number % links {
                _ = handle(.received(link, .subscribe(network.nodes[index].region)), &light)
            }
        }
        var feeds = try writers(network)
        // Other tests run beside this one: the best round tells what the code costs.
        var best = (light: 0.0, pushes: 0.0)
        for _ in 0..<rounds {
            light = Measure()
            pushes = Measure()
            for place in feeds.indices {
                now = now.advanced(byMilliseconds: 20)
                let time = network.now / 1000
                let written = try feeds[place].publish([], publication: now.interval, time: time)
                let feed = feeds[place].feed
                let count = feeds[place].frontier.size
                let advert = try #require(Advert(feed: feed, first: 0, count: count))
                var effects: [ReplicaEffect] = []
                for number in 1...links {
                    effects += handle(.received(LinkID(UInt64(number)), .adverts([advert])), &light)
                }
                for batch in written {
                    let pushed = LinkFrame.PushedBatch(
                        feed: feed,
                        bytes: batch.batch.bytes,
                        checkpoint: batch.checkpoint.bytes
                    )
                    effects += handle(.received(LinkID(1), .batch(pushed)), &pushes)
                }
                for case .store(let request, _, _, _) in effects { _ = handle(.stored(request), &light) }
                for case .fetchBatches(let request, _, _, _) in effects {
                    _ = handle(.batchesFetched(request, []), &light)
                }
                _ = handle(.tick, &light)
            }
            best = (max(best.light, light.perSecond), max(best.pushes, pushes.perSecond))
        }
        #expect(replica.held.count == feeds.count)
        #expect(replica.held.allSatisfy { $0.count == UInt64(rounds) })
        print(
            "\(feeds.count) feeds, \(links) links, best of \(rounds) rounds: \(light.events) events without signatures",
            "at \(Int(best.light)) a second (\(light.effects) effects),",
            "\(pushes.events) pushed batches at \(Int(best.pushes)) a second"
        )
        #expect(best.light > 50_000)
    }

    private func writers(_ network: InMemoryNetwork) throws -> [FeedWriter] {
        var writers: [FeedWriter] = []
        for node in network.nodes.dropFirst() {
            for epoch in 1...2 {
                let feed = FeedID(region: node.region, epoch: Epoch(UInt64(epoch)))
                writers.append(FeedWriter(beginning: feed, predecessors: [], signer: node.signer))
            }
        }
        return writers
    }
}
