/// An entry of an export that is no valid diagnosis key. It is left out and the others stand, as phones and other
/// servers treat it; how many there are, and why, tells an operator about the publisher.
public struct RejectedKey: Hashable, Sendable {
    /// Ordinal of the entry among all of the file, in file order, from 0.
    public var position: Int { Int(ordinal) }
    public let reason: Reason

    // As narrow as it can be: a hostile file of 64 MiB may hold a million of them.
    private let ordinal: UInt32

    init(position: Int, reason: Reason) {
        ordinal = UInt32(clamping: position)
        self.reason = reason
    }

    public enum Reason: UInt8, CaseIterable, Sendable {
        /// Key data of other than 16 bytes, or none.
        case keyData
        /// No rolling start.
        case rollingStartMissing
        /// A rolling start before 1970.
        case rollingStart
        /// A rolling period outside 1...144.
        case rollingPeriod
        /// A transmission risk outside 0...8.
        case transmissionRisk
        /// Days since onset that no known coding uses (outside -8190...8190).
        case daysSinceOnset
        /// A rolling start that lies thousands of years ahead as an interval: it was written in seconds.
        case rollingStartInSeconds

        /// In words for the publisher of the file.
        public var text: String {
            switch self {
            case .keyData: "key data of other than 16 bytes"
            case .rollingStartMissing: "no rolling start"
            case .rollingStart: "a rolling start before 1970"
            case .rollingPeriod: "a rolling period outside 1 to 144"
            case .transmissionRisk: "a transmission risk outside 0 to 8"
            case .daysSinceOnset: "days since onset outside -8190 to 8190"
            case .rollingStartInSeconds:
                "a rolling start in seconds: it counts intervals of ten minutes, unix seconds divided by 600"
            }
        }
    }
}
