package import ExposureKeys

/// A published key that was near, with all that regions claim about it.
///
/// Regions are weighed against each other, never joined. Each claim makes windows of its own, from its own report and its
/// own sightings, as if no other region existed. Of claims that overlap, which may speak of the same sightings, those
/// count on a local day that together warn most; so a sighting counts once, and no region lowers what another's report
/// warns of. Claims that do not overlap count side by side.
package struct MetKey: Sendable {
    /// In an order that does not depend on names of regions, unless all else is equal.
    package let claims: [KeyClaim]

    /// - Parameter claims: of one key, in any order.
    package init(claims: [KeyClaim]) {
        self.claims = claims.sorted(by: MetKey.precedes)
    }

    private static func precedes(_ left: KeyClaim, _ right: KeyClaim) -> Bool {
        let (one, other) = (left.validity, right.validity)
        if one.upperBound != other.upperBound { return one.upperBound < other.upperBound }
        if one.lowerBound != other.lowerBound { return one.lowerBound < other.lowerBound }
        if left.metadata != right.metadata { return left.metadata > right.metadata }
        if left.publication != right.publication { return left.publication > right.publication }
        return left.region < right.region
    }

    /// What a claim gives for one local day.
    package struct Day: Sendable {
        package let day: CivilDate
        package let claim: KeyClaim
        /// Of this claim and day, at least one.
        package let windows: [ExposureWindow]
        /// Regions whose claims on the key overlap this one, and stand or are withdrawn as it is; ascending.
        package let regions: [Region]
    }

    /// What counts of this key, day by day: claims that stand, on each day where any does; on others, withdrawn ones.
    /// - Parameters:
    ///   - phone: when the phone scanned.
    ///   - utcOffset: seconds by which local days are ahead of UTC.
    /// - Returns: ascending by day, then in the order of claims.
    package func days(_ configuration: RiskConfiguration, phone: PhoneScans, utcOffset: Int64) -> [Day] {
        let all = claims.flatMap { claim in
            let windows = ExposureWindow.windows(
                of: claim.metadata,
                sightings: claim.sightings,
                phone: phone,
                infectiousness: configuration.infectiousness,
                utcOffset: utcOffset
            )
            return MetKey.byDay(windows).map { Candidate(claim: claim, windows: $0, configuration) }
        }
        var result: [Day] = []
        for day in MetKey.distinct(all.map(\.day)) {
            let ofDay = all.filter { $0.day == day }
            let standing = ofDay.filter { !$0.claim.isWithdrawn }
            let counted = standing.isEmpty ? ofDay : standing
            result += MetKey.heaviest(counted).map { chosen in
                let alike = counted.filter { $0.claim.validity.overlaps(chosen.claim.validity) }.map(\.claim.region)
                return Day(
                    day: day,
                    claim: chosen.claim,
                    windows: chosen.windows,
                    regions: MetKey.distinct(alike)
                )
            }
        }
        return result
    }

    private struct Candidate {
        let claim: KeyClaim
        let windows: [ExposureWindow]
        let weight: Weight

        init(claim: KeyClaim, windows: [ExposureWindow], _ configuration: RiskConfiguration) {
            self.claim = claim
            self.windows = windows
            weight = Weight(of: windows, configuration)
        }

        var day: CivilDate { windows[0].day }
    }

    /// How much windows warn: by the score that counts, then by time, then by what a person is told of them.
    private struct Weight: Comparable {
        var score: Int64 = 0
        var seconds = 0
        var certainty = 0
        var infectiousness = 0

        init() {}

        init(of windows: [ExposureWindow], _ configuration: RiskConfiguration) {
            for window in windows {
                let score = DailySummary.Score(window, configuration)
                if score.counts(configuration) { self.score += score.score }
                seconds += window.seconds
                certainty += Int(window.reportType.rawValue)
                infectiousness += window.infectiousness.rawValue
            }
        }

        static func + (left: Weight, right: Weight) -> Weight {
            var sum = left
            sum.score += right.score
            sum.seconds += right.seconds
            sum.certainty += right.certainty
            sum.infectiousness += right.infectiousness
            return sum
        }

        static func < (left: Weight, right: Weight) -> Bool {
            (left.score, left.seconds, left.certainty, left.infectiousness)
                < (right.score, right.seconds, right.certainty, right.infectiousness)
        }
    }

    /// Of candidates that may overlap, ascending by the end of their validity, those that do not and weigh most together
    /// (weighted interval scheduling); of equally heavy choices the one that takes the earlier candidates.
    private static func heaviest(_ candidates: [Candidate]) -> [Candidate] {
        // best[n] is the choice among the first n.
        var best: [(weight: Weight, chosen: [Int])] = [(Weight(), [])]
        for (position, candidate) in candidates.enumerated() {
            let start = candidate.claim.validity.lowerBound
            let before = candidates[..<position].prefix { $0.claim.validity.upperBound <= start }.count
            let taken = best[before].weight + candidate.weight
            let skipped = best[position]
            // The first one is taken even if it counts for nothing: somebody was near.
            let isBetter = taken > skipped.weight || best[before].chosen == skipped.chosen
            best.append(isBetter ? (taken, best[before].chosen + [position]) : skipped)
        }
        return (best.last?.chosen ?? []).map { candidates[$0] }
    }

    private static func byDay(_ windows: [ExposureWindow]) -> [[ExposureWindow]] {
        distinct(windows.map(\.day)).map { day in windows.filter { $0.day == day } }
    }

    private static func distinct<Value: Comparable>(_ values: [Value]) -> [Value] {
        values.sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
}

extension MetKey {
    /// The keys that were near, each with all claims on it. A sighting that two keys claim, at one time with one identifier,
    /// counts for one of them: the one with the claim that warns most, then the one with the smaller bytes.
    /// - Parameter claims: in any order.
    /// - Returns: ascending by key.
    package static func met(by claims: [KeyClaim], _ configuration: RiskConfiguration) -> [MetKey] {
        let ordered = contested(claims.sorted { $0.key < $1.key }, configuration)
        var met: [MetKey] = []
        var rest = ordered[...]
        while let key = rest.first?.key {
            let own = rest.prefix { $0.key == key }
            met.append(MetKey(claims: Array(own)))
            rest = rest.dropFirst(own.count)
        }
        return met
    }

    /// Takes contested sightings from all keys but one.
    /// - Parameter claims: ascending by key.
    private static func contested(_ claims: [KeyClaim], _ configuration: RiskConfiguration) -> [KeyClaim] {
        var places: [(claim: Int, sighting: Int)] = []
        for (claim, content) in claims.enumerated() {
            places += content.sightings.indices.map { (claim, $0) }
        }
        func sighting(_ place: (claim: Int, sighting: Int)) -> Encounter {
            claims[place.claim].sightings[place.sighting]
        }
        places.sort { left, right in
            let (one, other) = (sighting(left), sighting(right))
            return one.isSameSighting(as: other) ? left.claim < right.claim : one.precedes(other)
        }
        var lost = [[Int]](repeating: [], count: claims.count)
        var rest = places[...]
        while let first = rest.first {
            let same = rest.prefix { sighting($0).isSameSighting(as: sighting(first)) }
            rest = rest.dropFirst(same.count)
            guard same.contains(where: { claims[$0.claim].key != claims[first.claim].key }) else { continue }
            // Ascending by key: the first of equal weight has the smaller bytes.
            let weights = same.map { claims[$0.claim].weight(configuration) }
            let winner = zip(same, weights).first { $0.1 == weights.max() }.map { claims[$0.0.claim].key }
            for place in same where claims[place.claim].key != winner { lost[place.claim].append(place.sighting) }
        }
        return zip(claims, lost).compactMap { $0.without($1.sorted()) }
    }
}
