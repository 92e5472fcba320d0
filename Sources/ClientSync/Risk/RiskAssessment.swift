/// What met keys mean: windows, the days they make, and which warnings have lapsed.
package struct RiskAssessment: Sendable, Equatable {
    /// Of reports that stand, and of revoked ones; in no order that tells anything.
    package let windows: [ExposureWindow]
    package let revoked: [ExposureWindow]
    /// Newest first.
    package let days: [ExposureDay]
    package let lapsed: [LapsedWarning]

    /// - Parameters:
    ///   - met: in any order, each key once; revoked ones too.
    ///   - phone: when the phone scanned.
    ///   - former: the report before this matching.
    ///   - isFresh: whether the phone's keys are.
    ///   - asOf: unix seconds of matching.
    ///   - utcOffset: seconds by which local days are ahead of UTC.
    package init(
        of met: [MetKey],
        phone: PhoneScans = PhoneScans(),
        former: ExposureReport?,
        isFresh: Bool = true,
        asOf: Int64,
        utcOffset: Int64,
        configuration: RiskConfiguration
    ) {
        let counted = met.flatMap { $0.days(configuration, phone: phone, utcOffset: utcOffset) }
        func windows(areWithdrawn: Bool) -> [ExposureWindow] {
            ExposureWindow.unlinked(counted.filter { $0.claim.isWithdrawn == areWithdrawn }.flatMap(\.windows))
        }
        self.windows = windows(areWithdrawn: false)
        revoked = windows(areWithdrawn: true)
        days = ExposureDay.days(
            of: self.windows,
            configuration: configuration,
            today: CivilDate(unixSeconds: asOf, utcOffset: utcOffset)
        )
        lapsed = LapsedWarning.lapsed(
            since: former,
            days: days,
            revoked: revoked,
            isFresh: isFresh,
            asOf: asOf,
            utcOffset: utcOffset,
            configuration: configuration
        )
    }
}
