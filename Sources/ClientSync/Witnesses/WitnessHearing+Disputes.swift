internal import ExposureKeys
internal import FeedFormat

/// What a hearing makes of earlier ones, and what it leaves to later ones.
extension WitnessHearing {
    /// What was one word against another: the phone may have got the batches elsewhere meanwhile, or another node, of
    /// another operator, may lack them too.
    mutating func settleDisputes() async throws {
        for dispute in book.disputes {
            guard context.now - dispute.found < WitnessHearing.distrust,
                let claim = try? dispute.claim.read(roster: roster),
                let answer = try? dispute.answer.read(roster: roster),
                let region = roster.region(claim.node)
            else {
                book.endDispute(of: dispute.witness, with: dispute.node)
                continue
            }
            let witness = Witness(region: region, view: claim, statement: dispute.claim, relay: answer.node)
            try await compareRoots(witness)
            let missing = judgement.lacking(of: claim, in: answer, asOf: min(dispute.found, answer.time))
            if hasFallen(region.id) || missing.isEmpty {
                book.endDispute(of: dispute.witness, with: dispute.node)
                continue
            }
            for entry in missing.prefix(WitnessReport.maximumFindings) {
                if let held = try await heldProof(of: entry) {
                    try await accuse(
                        dispute.node,
                        of: entry,
                        checkpoint: held,
                        claim: dispute.claim,
                        answer: dispute.answer,
                        witness: region.id
                    )
                    book.endDispute(of: dispute.witness, with: dispute.node)
                } else if isDue, isAbsentHere(entry, of: witness, against: answer.node) {
                    doubt(witness, entry, "neither has it been seen at \(answer.node)")
                    book.endDispute(of: dispute.witness, with: dispute.node)
                    break
                }
            }
        }
    }

    /// Whether the node of this sync is one of a third operator and lacks what is in dispute.
    private func isAbsentHere(_ entry: IndexEntry, of witness: Witness, against node: Region) -> Bool {
        let here = roster.region(own.node)?.operatorName
        guard here != witness.region.operatorName, here != roster.region(node)?.operatorName else { return false }
        let claim = IndexView(node: witness.view.node, time: witness.view.time, entries: [entry])
        return !judgement.lacking(of: claim, in: own, asOf: asOf).isEmpty
    }

    /// What this node listed an hour ago, and no witness lists by now: a feed for this phone alone, or one that is cut
    /// off with its node. No proof of anything, but worth a look.
    mutating func lookForFeedsOfOneNode(beside witnesses: [Witness]) {
        guard witnesses.count >= options.witnesses, let voice = book.voice(of: own.node), voice.relay == own.node,
            let earlier = try? voice.statement?.read(roster: roster)
        else { return }
        for entry in judgement.lacking(of: earlier, inAll: witnesses.map(\.view)) where lists(entry.feed) {
            report.note(
                WitnessFinding(
                    .onlyHere,
                    feed: entry.feed,
                    size: entry.count,
                    """
                    feed \(entry.feed): \(context.node) listed \(entry.count.counted("batch")) at \
                    \(TimeText.utc(earlier.time)), and an hour later no witness does; compare with another node
                    """
                )
            )
        }
    }

    /// Whether the node still lists a feed.
    private func lists(_ feed: FeedID) -> Bool {
        var low = 0
        var high = own.entries.count
        while low < high {
            let middle = (low + high) / 2
            if own.entries[middle].feed < feed { low = middle + 1 } else { high = middle }
        }
        return low < own.entries.count && own.entries[low].feed == feed
    }

    /// Keeps the indexes of this sync for a later one to judge by.
    mutating func remember() {
        book.asked = context.now
        for heard in heard where !hasFallen(heard.view.node) {
            let former = book.voice(of: heard.view.node)
            book.hold(
                WitnessBook.Voice(
                    region: heard.view.node,
                    time: max(heard.view.time, former?.time ?? 0),
                    statement: heard.statement,
                    relay: own.node,
                    barredUntil: former?.barredUntil ?? 0
                )
            )
        }
        rememberNode()
    }

    /// The node's own word stays until witnesses of an hour later have been held against it.
    private mutating func rememberNode() {
        let former = book.voice(of: own.node)
        var voice = former ?? WitnessBook.Voice(region: own.node, time: 0, statement: nil, relay: own.node)
        // A clock that ran ahead once is not to make all that comes after look old.
        if own.time <= context.now + WitnessHearing.clockTolerance { voice.time = max(voice.time, own.time) }
        let kept = voice.relay == own.node ? try? voice.statement?.read(roster: roster) : nil
        let isJudged = kept.map { kept in heard.contains { judgement.isSettled(kept.time, at: $0.view.time) } } ?? true
        let isOld = kept.map { context.now - $0.time > 4 * options.limits.witnessLead } ?? true
        if isJudged || isOld {
            voice.statement = ownStatement
            voice.relay = own.node
        }
        book.hold(voice)
    }

    /// Seconds by which clocks may differ.
    private static let clockTolerance: Int64 = 600
}
