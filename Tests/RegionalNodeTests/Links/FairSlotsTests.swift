import ExposureKeys
import RegionalNode
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FairSlotsTests {
    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func increase() { value.withLock { $0 += 1 } }
    }

    private let peers: [Region]

    init() throws {
        peers = try ["VN-01", "VN-48", "VN-79"].map { try #require(Region($0)) }
    }

    @Test func thePeerWithTheFewestComesFirst() {
        var slots = FairSlots(limit: 4, perPeer: 3)
        // The fourth is beyond the share of its peer, the others beyond what there is.
        let wanted: [(id: FairSlots.ID, peer: Int)] = [
            (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (6, 0), (7, 1), (8, 2),
        ]
        let begun = wanted.filter { slots.enter($0.id, for: peers[$0.peer]) }.map(\.id)
        #expect(begun == [1, 2, 3, 5])
        var next = [slots.leave(peers[0]), slots.leave(peers[0])]
        // 4 and 6 have waited longer than 8, but their peer has more at work.
        #expect(next == [[8], [4]])
        let givenUp = [6, 6, 8].map { slots.giveUp($0) }
        #expect(givenUp == [true, false, false])
        next = [slots.leave(peers[2]), slots.leave(peers[0])]
        #expect(next == [[7], []])
    }

    /// Whatever comes and goes: never more at work than allowed, and nobody waits while there is room for him.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func limitsHoldAndNobodyIsForgotten(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var slots = FairSlots(limit: 5, perPeer: 2)
        var atWork: [Region] = []
        var waiting: [UInt64: Region] = [:]
        for id in 0..<400 as Range<UInt64> {
            if random.next() % 2 == 0 {
                let peer = peers[Int(random.next() % 3)]
                if slots.enter(id, for: peer) { atWork.append(peer) } else { waiting[id] = peer }
            } else if random.next() % 4 == 0, let id = waiting.keys.min() {
                let wasWaiting = slots.giveUp(id)
                #expect(wasWaiting)
                waiting[id] = nil
            } else if !atWork.isEmpty {
                let peer = atWork.remove(at: Int(random.next() % UInt64(atWork.count)))
                for id in slots.leave(peer) {
                    let begun = waiting.removeValue(forKey: id)
                    atWork.append(try #require(begun))
                }
            }
            #expect(atWork.count <= 5)
            for peer in peers {
                let count = atWork.count { $0 == peer }
                #expect(count <= 2)
                #expect(count == 2 || atWork.count == 5 || !waiting.values.contains(peer))
            }
        }
    }

    /// Whether it runs or waits: what is given up goes, and makes room.
    @Test func aFetchEndsWhenItIsGivenUp() async throws {
        let limits = FetchLimits(deadline: .milliseconds(200))
        let peer = peers[0]
        let ended = Counter()
        let results = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    await limits.fetch(from: peer) {
                        try? await Task.sleep(for: .seconds(600))
                        ended.increase()
                        return 1
                    }
                }
            }
            return await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(results == Array(repeating: nil, count: 6))
        // Two have only waited.
        #expect(ended.count >= 4)
        let patient = FetchLimits()
        #expect(await patient.fetch(from: peer) { 7 } == 7)
    }

    @Test func aTaskThatIsCancelledWhileItWaitsDoesNothing() async throws {
        let slots = WorkSlots(limit: 1, perPeer: 1)
        let peer = peers[0]
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let done = Counter()
        let (started, isStarted) = AsyncStream<Void>.makeStream()
        let first = Task {
            await slots.run(for: peer) {
                isStarted.yield()
                for await _ in gate {}
            }
        }
        for await _ in started { break }
        let second = Task { await slots.run(for: peer) { done.increase() } }
        second.cancel()
        #expect(await second.value == nil)
        opening.finish()
        #expect(await first.value != nil)
        #expect(await slots.run(for: peer) { done.increase() } != nil)
        #expect(done.count == 1)
    }
}
