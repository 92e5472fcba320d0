import ClientSync
import DeviceStore
import ExposureKeys
import FeedFormat
import Testing

/// What a phone keeps of witnesses, on the disk as in memory.
@Suite struct WitnessBookTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func region(_ number: Int) throws -> Region { try #require(Region("VN-\(number)")) }

    private func voice(_ number: Int, time: Int64, statement: IndexStatement? = nil) throws -> WitnessBook.Voice {
        WitnessBook.Voice(
            region: try region(number),
            time: time,
            statement: statement,
            relay: try region(99),
            barredUntil: time + 5
        )
    }

    private func dispute(_ number: Int) throws -> WitnessBook.Dispute {
        WitnessBook.Dispute(
            witness: try region(number),
            claim: IndexStatement(index: [1, 2], settled: [3]),
            node: "http://node\(number)",
            answer: IndexStatement(index: [4], settled: []),
            found: Int64(number)
        )
    }

    @Test func aBookIsThereAfterReopening() async throws {
        let path = folder.path("phone.db")
        let book: WitnessBook
        do {
            let store = try DeviceStore(path: path)
            let empty = try await store.witnessBook()
            #expect(empty == WitnessBook(seed: empty.seed))
            book = WitnessBook(
                seed: empty.seed,
                asked: 77,
                voices: [
                    try voice(12, time: 9, statement: IndexStatement(index: [5, 6], settled: [])),
                    try voice(11, time: 8),
                ],
                disputes: [try dispute(31), try dispute(30)]
            )
            try await store.hold(book)
        }
        #expect(try await DeviceStore(path: path).witnessBook() == book)
    }

    @Test func storesDifferInTheirSeedAndKeepIt() async throws {
        let one = try DeviceStore(path: folder.path("one.db"))
        let two = try DeviceStore(path: folder.path("two.db"))
        let seed = try await one.witnessBook().seed
        #expect(try await two.witnessBook().seed != seed)
        try await one.hold(WitnessBook(seed: seed &+ 1, asked: 3))
        #expect(try await one.witnessBook() == WitnessBook(seed: seed, asked: 3))
    }

    /// Of two syncs at once the one that has heard less undoes nothing.
    @Test func theTimeOfAVoiceNeverFalls() async throws {
        let stores: [any DeviceStorage] = [try DeviceStore(path: folder.path("a.db")), MemoryDeviceStorage()]
        for store in stores {
            let seed = try await store.witnessBook().seed
            try await store.hold(WitnessBook(seed: seed, voices: [try voice(11, time: 50), try voice(12, time: 50)]))
            try await store.hold(WitnessBook(seed: seed, voices: [try voice(11, time: 49), try voice(12, time: 51)]))
            #expect(try await store.witnessBook().voices == [try voice(11, time: 50), try voice(12, time: 51)])
        }
    }

    @Test func evidenceIsBoundedInBytesToo() async throws {
        let stores: [any DeviceStorage] = [try DeviceStore(path: folder.path("b.db")), MemoryDeviceStorage()]
        for store in stores {
            for number in 10..<20 {
                let evidence = Evidence(
                    kind: .withheld,
                    feed: FeedID(region: try region(number), epoch: Epoch(1)),
                    size: 3,
                    held: [1],
                    contradicting: [2],
                    node: "http://a",
                    found: 4,
                    witness: [UInt8](repeating: 7, count: Evidence.maximumBytes / 8)
                )
                try await store.hold(evidence)
            }
            let held = try await store.evidence()
            #expect(held.count == 7 && held.allSatisfy { $0.witness.count == Evidence.maximumBytes / 8 })
        }
    }
}
