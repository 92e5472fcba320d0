import ExposureKeys
import FeedFormat
import Replication

/// What must hold of the keys that readers take from a node: when its process starts, and in the end.
extension Simulation {
    func checkReaders(at index: Int) {
        for home in nodes.indices where nodes[home].home == home {
            let region = nodes[home].region
            let batches = heldBatches(of: region, at: index)
            guard !batches.isEmpty else { continue }
            check(view(of: region, batches, at: index), of: region, batches, at: index)
            checkDrops(of: region, batches, at: index)
        }
    }

    private func heldBatches(of region: Region, at index: Int) -> [ProvenBatch] {
        nodes[index].disk.feeds.values.filter { $0.feed.region == region }.flatMap(\.batches)
    }

    private func reports(in batches: [ProvenBatch]) -> [RegionKeys] { batches.compactMap { truth.keys(of: $0) } }

    /// What a reader has of a region: its batches, merged in any order.
    private func view(of region: Region, _ batches: [ProvenBatch], at index: Int) -> RegionKeys {
        var states = reports(in: batches)
        var merged = RegionKeys()
        while !states.isEmpty { merge(states.remove(at: judging.below(states.count)), into: &merged) }
        if options.planted == .letsOthersRevoke {
            let others = reports(in: foreign(to: region, at: index)).flatMap(\.reports)
            merged.join(RegionKeys(joining: others.filter { merged.report(of: $0.key.identity) != nil }))
        }
        return merged
    }

    private func foreign(to region: Region, at index: Int) -> [ProvenBatch] {
        nodes[index].disk.feeds.values.filter { $0.feed.region != region }.flatMap(\.batches)
    }

    private func merge(_ state: RegionKeys, into merged: inout RegionKeys) {
        switch options.planted {
        case .lastWriterWins:
            let former = merged.reports.filter { state.report(of: $0.key.identity) == nil }
            merged = RegionKeys(joining: former + state.reports)
        case .revivesRevoked:
            let revoked = state.keys.filter { $0.metadata.reportType == .revoked }
            let standing = state.reports.filter { $0.key.metadata.reportType != .revoked }
            let rest = merged.reports.filter { report in !revoked.contains { $0.identity == report.key.identity } }
            merged = RegionKeys(joining: rest + standing)
        default:
            merged.join(state)
        }
    }

    private func check(_ view: RegionKeys, of region: Region, _ batches: [ProvenBatch], at index: Int) {
        // The plain way.
        let folded = Simulation.folded(reports(in: batches).flatMap(\.reports))
        let highest = folded.map(\.key)
        if view.reports != folded { violate(.merged, index, "merges the batches of \(region) to something else") }
        let stands = highest.filter { $0.metadata.reportType != .revoked }.map(\.identity)
        let withdrawn = view.keys.filter { $0.metadata.reportType == .revoked }.map(\.identity)
        if Simulation.meet(stands, withdrawn) {
            violate(.publisherOnly, index, "shows a key of \(region) as revoked, which \(region) has not revoked")
        }
        checkRevoked(view, of: region, highest, at: index)
    }

    /// Of all reports on one key the highest: by type, then the latest, then by content.
    static func folded(_ reports: [KeyReport<DiagnosisKey>]) -> [KeyReport<DiagnosisKey>] {
        func rank(_ report: KeyReport<DiagnosisKey>) -> (UInt8, UInt32, UInt64) {
            (report.key.metadata.reportType.rawValue, report.publication.number, report.key.metadata.packed)
        }
        let sorted = reports.sorted {
            $0.key.identity != $1.key.identity ? $0.key.identity < $1.key.identity : rank($0) < rank($1)
        }
        var highest: [KeyReport<DiagnosisKey>] = []
        for report in sorted {
            if highest.last?.key.identity == report.key.identity { highest.removeLast() }
            highest.append(report)
        }
        return highest
    }

    /// A key that was revoked matters never again.
    private func checkRevoked(_ view: RegionKeys, of region: Region, _ highest: [DiagnosisKey], at index: Int) {
        // A clock that was set back shows nothing that it has let go.
        let moment = max(nodes[index].clock(at: now).interval, nodes[index].disk.record.droppedAt)
        let revoked = highest.filter { $0.metadata.reportType == .revoked }.map(\.identity)
        let before = nodes[index].disk.record.revoked[region] ?? []
        if Simulation.meet(view.live(at: moment).map(\.identity), revoked + before) {
            violate(.revoked, index, "shows a key of \(region) that was revoked")
        }
        let both = (revoked + before).sorted()
        let union: [DiagnosisKey.Identity] = both.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        if !union.isEmpty { nodes[index].disk.record.revoked[region] = union }
    }

    /// Whether two lists have something in common.
    static func meet(_ left: [DiagnosisKey.Identity], _ right: [DiagnosisKey.Identity]) -> Bool {
        let (left, right) = (left.sorted(), right.sorted())
        var place = left.startIndex
        for key in right {
            while place < left.endIndex, left[place] < key { place += 1 }
            if place < left.endIndex, left[place] == key { return true }
        }
        return false
    }

    /// At a time to come: dropping batches first and merging the others shows the same keys as merging all.
    private func checkDrops(of region: Region, _ batches: [ProvenBatch], at index: Int) {
        let moment = nodes[index].clock(at: now).interval.advanced(by: judging.draw(0...16 * Interval.perDay))
        let rest = batches.filter { !Expiry.isDropped(publishedAt: $0.publication, now: moment) }
        var (first, after) = (RegionKeys(), RegionKeys())
        for state in reports(in: rest) { first.join(state) }
        for state in reports(in: batches) { after.join(state) }
        var shown = first.live(at: moment)
        if options.planted == .forgetsKeysEarly {
            shown = shown.filter { moment.distance(from: $0.metadata.end) < 12 * Interval.perDay }
        }
        if shown != after.live(at: moment) {
            violate(.dropsCommute, index, "would show other keys of \(region) at interval \(moment)")
        }
    }
}
