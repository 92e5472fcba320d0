import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Whatever happens among honest nodes, nobody is accused; whatever a node withholds for long is noticed.
@Suite struct WitnessPropertyTests {
    private static func isAccusation(_ kind: WitnessFinding.Kind) -> Bool {
        kind != .stale && kind != .onlyHere
    }

    /// Nodes lag by an hour now and then, caches hold their indexes for another, their clocks differ, some indexes are not to be had, feeds settle, connections
    /// fail; the phone roams, sleeps, and may or may not reach witnesses.
    @Test(arguments: UInt64(0)..<40)
    func honestNodesAreNotAccused(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var nodes = try await Nodes()
        let phone = nodes.phone(reaching: Bool.random(using: &random) ? Nodes.codes : [])
        for hour in 0..<30 {
            for code in Nodes.codes {
                let lag = Int.random(in: 0..<4, using: &random) == 0 ? 1 : 0
                let age = Int.random(in: 0..<4, using: &random) == 0 ? 1 : 0
                nodes.lies[code] = { feeds in feeds.map { $0.cut(to: max(1, Int($0.count) - lag - age)) } }
                nodes.clocks[code] =
                    nodes.time + 3600 - Int64(age) * 3600 + Int64.random(in: -300...300, using: &random)
                await nodes[code].settle(nodes.feeds.map(\.id).filter { _ in Bool.random(using: &random) })
            }
            nodes.hidden = Nodes.codes.filter { _ in Int.random(in: 0..<5, using: &random) == 0 }
            try await nodes.pass(hours: 1)
            guard Int.random(in: 0..<4, using: &random) > 0 else { continue }
            let code = Bool.random(using: &random) ? "VN-01" : Nodes.codes[Int.random(in: 0..<6, using: &random)]
            let isCutOff = Int.random(in: 0..<5, using: &random) == 0
            await nodes[code].fail(after: isCutOff ? Int.random(in: 0..<8, using: &random) : nil)
            do {
                let findings = try await nodes.sync(phone, with: code).witnesses.findings
                let accusing = findings.filter { WitnessPropertyTests.isAccusation($0.kind) }
                #expect(accusing.isEmpty, "seed \(seed), hour \(hour), \(code): \(accusing)")
            } catch let error as SyncError {
                #expect(error.code == .noAnswer)
            }
            await nodes[code].fail(after: nil)
        }
        #expect(try await phone.storage.evidence().isEmpty, "seed \(seed)")
        #expect(try await phone.storage.witnessBook().disputes.isEmpty, "seed \(seed)")
    }

    /// A node that keeps one region's batches back is named within three hours of polling, and proven to within an hour
    /// of the phone's coming to an honest node.
    @Test(arguments: UInt64(0)..<20)
    func whateverIsWithheldIsNoticed(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var nodes = try await Nodes()
        let phone = nodes.phone()
        try await nodes.pass(hours: Int.random(in: 1...4, using: &random))
        try await nodes.sync(phone)
        let victim = nodes.feeds[Int.random(in: 1..<6, using: &random)].id
        let kept = Int.random(in: 0...Int(nodes.feeds[0].count), using: &random)
        nodes.lies["VN-01"] = { feeds in
            feeds.compactMap { $0.id != victim ? $0 : kept == 0 ? nil : $0.cut(to: kept) }
        }
        var found = 0
        for hour in 1...8 {
            try await nodes.pass(hours: 1)
            let findings = try await nodes.sync(phone).witnesses.findings
            #expect(
                findings.allSatisfy { $0.feed == victim && [.notShown, .withheld].contains($0.kind) },
                "\(findings)"
            )
            if findings.isEmpty, hour > 3 { Issue.record("seed \(seed), hour \(hour): nothing was noticed") }
            found += findings.count
        }
        #expect(found > 0, "seed \(seed)")
        nodes.lies = [:]
        try await nodes.pass(hours: 1)
        try await nodes.sync(phone, with: "VN-0\(Int.random(in: 2...6, using: &random))")
        let evidence = try await phone.storage.evidence()
        #expect(evidence.map(\.kind) == [.withheld] && evidence.first?.node == nodes.home.node, "seed \(seed)")
    }
}
