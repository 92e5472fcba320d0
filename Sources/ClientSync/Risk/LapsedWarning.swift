internal import ExposureKeys

/// A day that was told to be a contact and is not any more.
public struct LapsedWarning: Sendable, Equatable, Codable {
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// A report on which the warning rested was revoked by all who published it.
        case withdrawn
        /// It does not follow from what this phone holds now: keys are missing, for example because a roster closed a
        /// stolen key or a feed is being fetched anew, or the configuration is another. It may come back.
        case unconfirmed
        /// The phone cannot check it, because it has had no news of keys for too long.
        case unchecked
    }

    public let day: CivilDate
    public let reason: Reason

    public init(day: CivilDate, reason: Reason) {
        self.day = day
        self.reason = reason
    }

    /// Compares a report with the one before. A warning that ends because its keys are older than 14 days is none of
    /// these; it is simply past. Where the phone's keys are not fresh nothing is past: what was told is not taken back in
    /// silence.
    /// - Parameters:
    ///   - former: the report before, nil if there was none.
    ///   - days: those of the new one.
    ///   - revoked: windows of revoked reports, in any order.
    ///   - isFresh: whether the phone's keys are.
    ///   - asOf: unix seconds of matching.
    /// - Returns: newest first, each day once; those of `former` are kept as long as their day could still be a contact.
    package static func lapsed(
        since former: ExposureReport?,
        days: [ExposureDay],
        revoked: [ExposureWindow],
        isFresh: Bool,
        asOf: Int64,
        utcOffset: Int64,
        configuration: RiskConfiguration
    ) -> [LapsedWarning] {
        guard let former else { return [] }
        let today = CivilDate(unixSeconds: asOf, utcOffset: utcOffset)
        let contacts = days.filter(\.isContact).map(\.day)
        // A single sighting of a revoked key was no part of any warning.
        let withdrawn = revoked.filter { $0.seconds > 0 }.map(\.day)
        let candidates =
            former.days.filter(\.isContact).map { LapsedWarning(day: $0.day, reason: .unconfirmed) } + former.lapsed
        var result: [LapsedWarning] = []
        for candidate in candidates.sorted(by: { $0.day > $1.day }) {
            guard result.last?.day != candidate.day, !contacts.contains(candidate.day) else { continue }
            let isWithdrawn = candidate.reason == .withdrawn || withdrawn.contains(candidate.day)
            let isPast =
                !areKeysLive(of: candidate.day, asOf: asOf, utcOffset: utcOffset)
                || !configuration.isRecent(candidate.day, today: today)
            if isPast, isFresh || isWithdrawn { continue }
            let reason: Reason = isWithdrawn ? .withdrawn : isFresh ? .unconfirmed : .unchecked
            result.append(LapsedWarning(day: candidate.day, reason: reason))
        }
        return result
    }

    /// Whether every key that was seen on a local day is still live: it ended no earlier than the tolerance of clocks
    /// before the day began.
    private static func areKeysLive(of day: CivilDate, asOf: Int64, utcOffset: Int64) -> Bool {
        let earliestEnd = day.unixSeconds - utcOffset - ExposureMatching.tolerance * Interval.seconds
        return asOf - earliestEnd < Expiry.keyLifetime * Interval.seconds
    }
}
