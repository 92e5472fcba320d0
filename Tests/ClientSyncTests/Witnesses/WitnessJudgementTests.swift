import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// What one index owes to another, over many that a generator makes.
@Suite struct WitnessJudgementTests {
    private let country: Country

    init() throws {
        country = try Country((1...5).map { "VN-0\($0)" })
    }

    private func judgement(
        regions: [Region]? = nil,
        cursors: [FeedCursor] = [],
        frozen: [Region] = []
    ) -> WitnessJudgement {
        WitnessJudgement(
            roster: country.roster,
            options: SyncOptions(authorities: country.authorities, regions: regions),
            cursors: cursors,
            frozen: frozen
        )
    }

    private func entry(_ code: String, _ epoch: UInt64, _ count: UInt64) throws -> IndexEntry {
        let feed = FeedID(region: try #require(Region(code)), epoch: Epoch(epoch))
        return try #require(
            IndexEntry(feed: feed, first: 0, count: count, root: Hash256(hashing: [UInt8(count % 256)]))
        )
    }

    private func view(_ entries: [IndexEntry], at time: Int64) throws -> IndexView {
        IndexView(node: try #require(Region("VN-01")), time: time, entries: entries.sorted { $0.feed < $1.feed })
    }

    private func randomEntries(using random: inout SplitMix64) throws -> [IndexEntry] {
        var entries: [IndexEntry] = []
        for code in (1...5).map({ "VN-0\($0)" }) {
            for epoch in 1...UInt64.random(in: 1...4, using: &random) where Bool.random(using: &random) {
                entries.append(try entry(code, epoch, UInt64.random(in: 1...100, using: &random)))
            }
        }
        return entries
    }

    /// Of a node that has grown nothing is missing; what was taken from it is found, all of it and nothing else, and
    /// only once an hour has passed.
    @Test(arguments: UInt64(0)..<200)
    func exactlyWhatIsMissingIsFound(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let earlier = try randomEntries(using: &random)
        var later: [IndexEntry] = []
        var missing: [IndexEntry] = []
        for old in earlier {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: missing.append(old)
            case 1 where old.count > 1:
                missing.append(old)
                later.append(try entry(old.feed.region.code, old.feed.epoch.value, old.count - 1))
            case 2: later.append(try entry(old.feed.region.code, old.feed.epoch.value, old.count + 1))
            default: later.append(old)
            }
        }
        for new in try randomEntries(using: &random) where !earlier.contains(where: { $0.feed == new.feed }) {
            later.append(new)
        }
        let time = Sample.now
        let had = try view(earlier, at: time)
        let has = try view(later, at: time + 3600)
        #expect(judgement().lacking(of: had, in: has, asOf: has.time) == missing, "seed \(seed)")
        #expect(judgement().lacking(of: had, in: has, asOf: has.time - 1).isEmpty)
        #expect(judgement().lacking(of: had, in: had, asOf: has.time).isEmpty)
        let frozen = (1...5).compactMap { Region("VN-0\($0)") }
        #expect(judgement(frozen: frozen).lacking(of: had, in: has, asOf: has.time).isEmpty)
        let followed = try #require(Region("VN-03"))
        #expect(
            judgement(regions: [followed]).lacking(of: had, in: has, asOf: has.time)
                == missing.filter { $0.feed.region == followed },
            "seed \(seed)"
        )
    }

    @Test func timesAtTheEndsOfTheirRangeAreNoTrap() throws {
        let judgement = judgement()
        #expect(judgement.isSettled(.min, at: .max) && !judgement.isSettled(.max, at: .min))
        #expect(!judgement.isSettled(0, at: 3599) && judgement.isSettled(0, at: 3600))
    }

    /// A node need not have an epoch that waits behind 32 others, nor what has expired, nor more than a roster lets stand.
    @Test func whatANodeMayLackIsNotMissing() throws {
        let had = try view([try entry("VN-02", 99, 5)], at: Sample.now)
        for (count, missing) in [(31, 1), (32, 0)] {
            let has = try view(try (0..<count).map { try entry("VN-02", UInt64($0), 1) }, at: Sample.now + 3600)
            #expect(judgement().lacking(of: had, in: has, asOf: has.time).count == missing)
        }
        let empty = try view([], at: Sample.now + 3600)
        let leaves = (0..<5).map { Hash256(hashing: [UInt8($0)]) }
        for (hours, missing) in [(Int64(0), 1), (15 * 24, 0)] {
            let cursor = FeedCursor(
                feed: had.entries[0].feed,
                frontier: Frontier(leaves: leaves),
                lastPublication: Sample.interval.advanced(by: -hours * Interval.perHour)
            )
            #expect(judgement(cursors: [cursor]).lacking(of: had, in: empty, asOf: empty.time).count == missing)
        }
        let foreign = try view([try entry("XX-09", 1, 5)], at: Sample.now)
        #expect(judgement().lacking(of: foreign, in: empty, asOf: empty.time).isEmpty)
    }

    @Test func statementsAreReadAsTheyWereKept() throws {
        let region = try #require(Region("VN-02"))
        let settled = IndexPart([try entry("VN-03", 1, 4)])
        let index = try FeedIndex(
            node: region,
            time: Sample.now,
            fresh: IndexPart([try entry("VN-04", 1, 2)]),
            settled: settled,
            signer: try Country.signer(of: region)
        )
        let statement = IndexStatement(index: index.bytes, settled: settled.bytes)
        #expect(IndexStatement(bytes: statement.bytes) == statement)
        let view = try statement.read(roster: country.roster)
        #expect(view.node == region && view.time == Sample.now && view.entries.map(\.count) == [4, 2])
        for size in 0..<4 + index.bytes.count {
            #expect(IndexStatement(bytes: Array(statement.bytes.prefix(size))) == nil)
        }
        let other = IndexStatement(index: index.bytes, settled: [])
        #expect(throws: FormatError.self) { try other.read(roster: country.roster) }
    }

    @Test func aBookIsBoundedAndForgetsWhoWasHeardLongestAgo() throws {
        var book = WitnessBook(seed: 1)
        for number in 10..<60 {
            let region = try #require(Region("VN-\(number)"))
            book.hold(WitnessBook.Voice(region: region, time: Int64(number), statement: nil, relay: region))
        }
        #expect(book.voices.map(\.time) == (36..<60).map(Int64.init))
        #expect(book.voices.map(\.region) == book.voices.map(\.region).sorted())
        // One that is barred stays for longer than those that are only heard.
        let liar = try #require(Region("VN-10"))
        book.hold(WitnessBook.Voice(region: liar, time: 1, statement: nil, relay: liar, barredUntil: 500))
        for number in 60..<90 {
            let region = try #require(Region("VN-\(number)"))
            book.hold(WitnessBook.Voice(region: region, time: Int64(number), statement: nil, relay: region))
        }
        #expect(book.voices.count == WitnessBook.maximumVoices && book.voice(of: liar)?.barredUntil == 500)
    }
}
