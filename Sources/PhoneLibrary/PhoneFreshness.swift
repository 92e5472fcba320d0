internal import CKeytide
internal import ClientSync

extension keytide_freshness {
    /// - Parameter saysSomething: of what it belongs to.
    init(_ freshness: Freshness, saysSomething: Bool) {
        let standing =
            switch freshness.standing {
            case .fresh: KEYTIDE_FRESH
            case .stale: KEYTIDE_STALE
            case .unknown: KEYTIDE_UNKNOWN
            }
        let trust =
            switch freshness.record.trust {
            case .confirmed: KEYTIDE_CONFIRMED
            case .unconfirmed: KEYTIDE_UNCONFIRMED
            case .doubted: KEYTIDE_DOUBTED
            case .disproved: KEYTIDE_DISPROVED
            }
        let clocks =
            switch freshness.clocks {
            case nil: KEYTIDE_CLOCKS_AGREE
            case .nodeBehind?: KEYTIDE_NODE_BEHIND
            case .nodeAhead?: KEYTIDE_NODE_AHEAD
            case .phoneSetBack?: KEYTIDE_PHONE_SET_BACK
            }
        self.init(
            fetched_until: freshness.record.fetchedUntil ?? -1,
            incomplete_regions: UInt64(clamping: freshness.record.incompleteRegions),
            standing: Int32(standing),
            trust: Int32(trust),
            clocks: Int32(clocks),
            says_something: saysSomething ? 1 : 0
        )
    }
}
