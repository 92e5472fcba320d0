import ArgumentParser
import CMatchKernel
import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation

/// What comparing keys with sightings costs a phone.
struct MatchBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match",
        abstract: "Keys a second that are compared with sightings of a fortnight, on one core.",
        discussion: """
            Every key is valid for a whole day, and there are sightings near every interval of it, so 144 identifiers \
            are derived of each. The limit is a loop in the same kernel that does the AES blocks, the key schedule and \
            six SHA-256 compressions of as many keys, and nothing else; the peer derives the same identifiers with \
            swift-crypto's AES, a block at a time. Rounds of all of them alternate; figures are medians.
            """
    )

    @Option(help: "Keys a round.")
    var keys = 1_000_000

    @Option(help: "Rounds.")
    var rounds = 7

    @Option(help: "Keys of which every match is compared with a search by swift-crypto; 0 for none.")
    var exactKeys = 10_000_000

    @Option(help: "Of those, keys that were near.")
    var planted = 2000

    /// Keys a second with 10,000 sightings where the processor has AES and SHA instructions.
    private static let least = 1_000_000.0

    func validate() throws {
        guard (1000...20_000_000).contains(keys), (3...100).contains(rounds), (0...100_000_000).contains(exactKeys),
            (1...20_000).contains(planted), (0...4_000_000).contains(syncKeys)
        else {
            throw ValidationError(
                """
                --keys must be 1000 to 20000000, --rounds 3 to 100, --exact-keys 0 to 100000000, --planted 1 to 20000, \
                --sync-keys 0 to 4000000
                """
            )
        }
    }

    @Option(help: "Keys that a phone fetches from a node in one sync; 0 for none.")
    var syncKeys = 1_000_000

    func run() async throws {
        if syncKeys > 0 {
            try sync()
            try ThisProcess.goOnOnOneCore([
                "match", "--sync-keys", "0", "--keys", String(keys), "--rounds", String(rounds), "--exact-keys",
                String(exactKeys), "--planted", String(planted),
            ])
        }
        try ThisProcess.expectOneCore()
        try speed()
        if exactKeys > 0 { try exactness() }
    }

    // MARK: Sync

    /// Seconds, and bytes of resident memory, that a sync with a million new keys may take.
    private static let syncLimit = (seconds: 1.5, memory: 32e6)

    /// A phone that fetches all keys, compares them and keeps them, against one to which the node has nothing to give.
    private func sync() throws {
        let workplace = try Workplace()
        let site = try NationalSync(in: workplace.path, keys: syncKeys)
        let server = try site.start()
        defer { server.stop() }
        var (seconds, processor, memory, idle) = (Rounds(), Rounds(), Rounds(), Rounds())
        for round in 0..<5 {
            Progress.report("sync \(round + 1) of 5")
            let phone = "\(workplace.path)/phone\(round)"
            try site.meet(10_000, phone: phone)
            let cost = try site.sync(phone: phone)
            // The same again: the index is all there is to fetch.
            let again = try site.sync(phone: phone)
            seconds.add(cost.seconds)
            processor.add(cost.processorSeconds)
            memory.add(cost.memory - again.memory)
            idle.add(again.seconds)
        }
        let share = Double(syncKeys) / 1e6
        let further = [("processor", processor.median), ("nothingNew", idle.median)]
        line("sync keys=\(syncKeys)", seconds, limit: MatchBench.syncLimit.seconds * share, "s", further).print()
        line("sync keys=\(syncKeys) memory", memory, limit: MatchBench.syncLimit.memory, "bytes", []).print()
    }

    private func line(
        _ name: String,
        _ rounds: Rounds,
        limit: Double,
        _ unit: String,
        _ further: [(name: String, value: Double)]
    ) -> ResultLine {
        ResultLine(
            bench: "match",
            case: name,
            peer: "none",
            ours: rounds.median,
            theirs: nil,
            limit: limit,
            ratio: rounds.median / limit,
            unit: unit,
            further: rounds.spread("ours") + further
        )
    }

    // MARK: Speed

    private func speed() throws {
        let material = MatchMaterial(keys: keys, seed: 1)
        let few = material.matcher(encounters: 10_000)
        let many = material.matcher(encounters: 100_000)
        var (ours, crowded, limit, peer) = (Rounds(), Rounds(), Rounds(), Rounds())
        var work = MatchWork()
        var crowdedWork = MatchWork()
        for round in 0..<rounds {
            Progress.report("round \(round + 1) of \(rounds)")
            ours.add(material.rate { work = material.compare(with: few) })
            crowded.add(material.rate { crowdedWork = material.compare(with: many) })
            limit.add(material.limitRate())
            peer.add(material.peerRate(keys: 2000))
        }
        try material.expect(work)
        let name = String(cString: kt_kernel_name(kt_kernel_best()))
        line(
            "keys=\(keys) encounters=10000",
            "limit loop (\(name))",
            ours,
            theirs: limit,
            least: MatchBench.least,
            work
        )
        .print()
        line("keys=\(keys) encounters=100000", "encounters=10000", crowded, theirs: ours, least: nil, crowdedWork)
            .print()
        line("keys=\(keys) encounters=10000", "swift-crypto AES", ours, theirs: peer, least: nil, work).print()
    }

    private func line(
        _ name: String,
        _ peer: String,
        _ ours: Rounds,
        theirs: Rounds,
        least: Double?,
        _ work: MatchWork
    ) -> ResultLine {
        ResultLine(
            bench: "match",
            case: name,
            peer: peer,
            ours: ours.median,
            theirs: theirs.median,
            limit: least,
            ratio: ours.median / theirs.median,
            unit: "keys/s",
            further: ours.spread("ours") + theirs.spread("theirs")
                + [("passedPerKey", Double(work.passed) / Double(work.keys)), ("rounds", Double(rounds))]
        )
    }

    // MARK: Exactness

    /// Every match among many keys, against deriving every identifier with swift-crypto.
    private func exactness() throws {
        var (missed, invented, found) = (0, 0, 0)
        let share = 1_000_000
        for start in stride(from: 0, to: exactKeys, by: share) {
            let count = min(share, exactKeys - start)
            let near = max(1, planted * count / exactKeys)
            let material = MatchMaterial(keys: count, seed: 2 + UInt64(start))
            let encounters = material.encounters(20_000) + material.sightings(of: near)
            let matches = material.matches(encounters)
            let reference = material.search(encounters)
            missed += reference.subtracting(matches).count
            invented += matches.subtracting(reference).count
            found += reference.count
            Progress.report("\(start + count) of \(exactKeys) keys: \(found) sightings of them, \(missed) missed")
        }
        ResultLine(
            bench: "match",
            case: "exact keys=\(exactKeys)",
            peer: "swift-crypto, every identifier",
            ours: Double(missed + invented),
            theirs: 0,
            limit: 0,
            ratio: nil,
            unit: "differences",
            further: [("found", Double(found)), ("missed", Double(missed)), ("invented", Double(invented))]
        ).print()
    }
}
