import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Who gives way when places are scarce")
struct WaitingConnectionsTests {
    private static func network(_ number: Int) throws -> PeerNetwork {
        let address = try SocketAddress(ipAddress: "10.0.\(number / 256).\(number % 256)", port: 1)
        return try #require(PeerNetwork(address))
    }

    @Test("The oldest of the network that has most; among equals the oldest of all")
    func order() throws {
        var waiting = WaitingConnections<Int>()
        let (few, many) = (try Self.network(1), try Self.network(2))
        waiting.insert(1, of: few)
        for id in 2...5 { waiting.insert(id, of: many) }
        let victims = (0..<6).map { _ in waiting.giveWay() }
        #expect(victims == [2, 3, 4, 1, 5, nil])
        #expect(waiting.count == 0)
    }

    @Test("Who has made a request, or is gone, gives way no more")
    func removed() throws {
        var waiting = WaitingConnections<Int>()
        let network = try Self.network(1)
        for id in 1...4 { waiting.insert(id, of: network) }
        waiting.remove(1)
        waiting.remove(3)
        waiting.remove(9)
        // The same again, younger than before.
        waiting.insert(1, of: network)
        let victims = (0..<4).map { _ in waiting.giveWay() }
        #expect(victims == [2, 4, 1, nil])
    }

    @Test("Against a list that is searched: the same network size, and the same oldest, at every step")
    func againstAList() throws {
        let networks = try (0..<7).map { try Self.network($0) }
        var random = SplitMix64(seed: 5)
        var waiting = WaitingConnections<Int>()
        var list: [(id: Int, network: Int)] = []
        for id in 0..<20_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                // Some networks bring more than others.
                let network = Int.random(in: 0..<7, using: &random) * Int.random(in: 0..<2, using: &random)
                waiting.insert(id, of: networks[network])
                list.append((id, network))
            case 5..<7:
                guard let place = list.indices.randomElement(using: &random) else { continue }
                waiting.remove(list.remove(at: place).id)
            default:
                let sizes = Dictionary(grouping: list, by: \.network).mapValues(\.count)
                let largest = sizes.values.max()
                let victim = waiting.giveWay()
                guard let place = list.firstIndex(where: { $0.id == victim }) else {
                    #expect(victim == nil && list.isEmpty, "step \(id)")
                    continue
                }
                let network = list[place].network
                #expect(sizes[network] == largest, "step \(id)")
                #expect(list.first { $0.network == network }?.id == victim, "step \(id)")
                if let oldest = list.first, sizes[oldest.network] == largest { #expect(victim == oldest.id) }
                list.remove(at: place)
            }
            #expect(waiting.count == list.count)
        }
    }
}
