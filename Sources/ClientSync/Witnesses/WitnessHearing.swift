internal import ExposureKeys
internal import FeedFormat

/// Holds a node to what its witnesses said, after a sync has followed all feeds: what a witness's index had an hour
/// before the node must have, and roots must agree wherever the phone knows one. Claims are proven by the region's
/// signature, asked for where it is lacking; whoever claims what nobody can show loses his place.
struct WitnessHearing {
    let options: SyncOptions
    let roster: Roster
    let context: FeedSync.Context
    /// The node's index as this sync has read it.
    let own: IndexView
    let ownStatement: IndexStatement
    let heard: [WitnessSync.Heard]
    let judgement: WitnessJudgement
    let roots: KnownRoots
    /// A way to another node, by its base URL in the roster; nil if there is none.
    let others: @Sendable (String) -> (any SyncTransport)?
    var book: WitnessBook
    var report: WitnessReport
    /// Whether this sync asks for indexes, and judges by those kept. Roots are compared in any.
    let isDue: Bool
    /// Claims for which nodes may still be asked in this sync.
    var checksLeft: Int
    /// Regions that have lost their place as witnesses in this sync.
    private var fallen: [Region] = []

    init(
        roster: Roster,
        context: FeedSync.Context,
        own: IndexStatement,
        view: IndexView,
        witnesses: WitnessSync,
        judgement: WitnessJudgement,
        roots: KnownRoots,
        others: @escaping @Sendable (String) -> (any SyncTransport)?
    ) {
        options = witnesses.options
        self.roster = roster
        self.context = context
        self.own = view
        ownStatement = own
        heard = witnesses.heard
        self.judgement = judgement
        self.roots = roots
        self.others = others
        book = witnesses.book
        isDue = witnesses.isDue
        checksLeft = witnesses.options.limits.witnessChecks
        report = WitnessReport(wanted: witnesses.options.witnesses)
        for finding in witnesses.replays { report.note(finding) }
    }

    /// As of when the node's index speaks: a clock that runs ahead makes nothing an hour old.
    var asOf: Int64 { min(context.now, own.time) }

    /// An index to judge by, and who passed it on.
    struct Witness {
        let region: RosterRegion
        let view: IndexView
        let statement: IndexStatement
        let relay: Region
    }

    mutating func run() async throws {
        let kept = keptWitnesses()
        let new = heard.compactMap { witness($0.statement, $0.view, relay: own.node) }
        for witness in kept + new { try await compareRoots(witness) }
        try await settleDisputes()
        guard isDue else { return }
        for witness in kept { try await judge(witness, beside: kept + new) }
        lookForFeedsOfOneNode(beside: new)
        noteOtherHistories(try await context.storage.evidence())
        remember()
    }

    /// Whether anything is claimed that the node lacks or the phone knows otherwise. A newer roster may explain it.
    var hasClaims: Bool {
        keptWitnesses().contains { witness in
            !judgement.differing(in: witness.view, from: roots).isEmpty
                || isDue && !judgement.lacking(of: witness.view, in: own, asOf: asOf).isEmpty
        }
    }

    /// Kept indexes of other operators that still verify.
    private func keptWitnesses() -> [Witness] {
        book.voices.compactMap { voice in
            guard let statement = voice.statement, let view = try? statement.read(roster: roster) else { return nil }
            return witness(statement, view, relay: voice.relay)
        }
    }

    /// - Returns: nil if the index is of the judged node's operator, or the roster does not list its node.
    func witness(_ statement: IndexStatement, _ view: IndexView, relay: Region) -> Witness? {
        guard let region = roster.region(view.node), region.id != own.node,
            region.operatorName != roster.region(own.node)?.operatorName
        else { return nil }
        return Witness(region: region, view: view, statement: statement, relay: relay)
    }

    // MARK: - What is lacking

    private mutating func judge(_ witness: Witness, beside others: [Witness]) async throws {
        let missing = judgement.lacking(of: witness.view, in: own, asOf: asOf)
        for entry in missing.prefix(WitnessReport.maximumFindings) {
            // The other words of one that has lied are worth no question.
            if fallen.contains(witness.region.id) { return }
            guard witness.relay == own.node else {
                note(.behind, entry, witness, "it may be cut off")
                continue
            }
            switch try await proof(of: entry, by: witness) {
            case .shown(let checkpoint):
                book.endDispute(of: witness.region.id, with: context.node)
                try await accuse(
                    context.node,
                    of: entry,
                    checkpoint: checkpoint,
                    claim: witness.statement,
                    answer: ownStatement,
                    witness: witness.region.id
                )
            case .otherRoot(let checkpoint): try await refute(witness, entry, held: checkpoint.bytes)
            case .fork(let shown, let contradicting):
                try await keepFork(entry, of: witness, held: shown.bytes, contradicting: contradicting.bytes)
            case .excused: continue
            // What only a closed key has signed fell at the node as soon as it had the roster.
            case .witnessRefuses where isClosable(entry), .nothing where isClosable(entry): continue
            case .witnessRefuses: doubt(witness, entry, "it could not show it when it was asked")
            case .nothing:
                if others.contains(where: { isAlone(witness, with: entry, beside: $0) }) {
                    doubt(witness, entry, "another witness has not had it an hour later either")
                    continue
                }
                note(.notShown, entry, witness, "nobody has shown the region's signature; sync with another node")
                book.hold(
                    WitnessBook.Dispute(
                        witness: witness.region.id,
                        claim: witness.statement,
                        node: context.node,
                        answer: ownStatement,
                        found: context.now
                    )
                )
            }
        }
    }

    /// Whether the roster closes a key of the region without naming the epoch.
    private func isClosable(_ entry: IndexEntry) -> Bool {
        guard let region = roster.region(entry.feed.region) else { return true }
        return !region.closures.isEmpty && region.standing(of: entry.feed.epoch) == nil
    }

    func isAlone(_ witness: Witness, with entry: IndexEntry, beside other: Witness) -> Bool {
        guard other.region.operatorName != witness.region.operatorName else { return false }
        let claim = IndexView(node: witness.view.node, time: witness.view.time, entries: [entry])
        return !judgement.lacking(of: claim, in: other.view, asOf: other.view.time).isEmpty
    }

    // MARK: - Verdicts

    /// Keeps the proof that a node lacked what it had to have.
    mutating func accuse(
        _ node: String,
        of entry: IndexEntry,
        checkpoint: [UInt8],
        claim: IndexStatement,
        answer: IndexStatement,
        witness: Region
    ) async throws {
        let evidence = Evidence(
            kind: .withheld,
            feed: entry.feed,
            size: entry.count,
            held: checkpoint,
            contradicting: answer.bytes,
            node: node,
            found: context.now,
            witness: claim.bytes
        )
        try await context.storage.hold(evidence)
        report.note(
            WitnessFinding(
                .withheld,
                feed: entry.feed,
                size: entry.count,
                witness: witness,
                evidence: evidence,
                """
                feed \(entry.feed): \(node) does not list batch \(entry.count - 1), though the region has signed it and \
                \(witness) had it an hour before; what all three said is kept as evidence; sync with another node
                """
            )
        )
    }

    mutating func doubt(_ witness: Witness, _ entry: IndexEntry, _ why: String) {
        note(.unshownClaim, entry, witness, "\(why); it is a witness no more for a day")
        dismiss(witness.region.id, for: WitnessHearing.doubt)
    }

    mutating func dismiss(_ region: Region, for seconds: Int64) {
        book.dismiss(region, until: context.now + seconds)
        fallen.append(region)
    }

    func hasFallen(_ region: Region) -> Bool { fallen.contains(region) }

    private mutating func note(_ kind: WitnessFinding.Kind, _ entry: IndexEntry, _ witness: Witness, _ why: String) {
        report.note(
            WitnessFinding(
                kind,
                feed: entry.feed,
                size: entry.count,
                witness: witness.region.id,
                """
                feed \(entry.feed): \(witness.region.id) claims \(entry.count.counted("batch")) since \
                \(TimeText.utc(witness.view.time)), \(context.node) lists fewer; \(why)
                """
            )
        )
    }

    /// Seconds for which a region whose claim nobody could show is no witness.
    static let doubt: Int64 = 86_400
    /// The same for one whose claim is proven false.
    static let distrust: Int64 = 15 * 86_400
}
