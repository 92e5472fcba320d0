/// What a key's days since onset of symptoms say, in the coding of the European backends (EFGS,
/// `days_since_onset_of_symptoms`). In all of them a positive number means that the key's day came later.
public enum OnsetKnowledge: Hashable, Sendable {
    /// Days from onset to the key's day, -14...14.
    case known(days: Int)
    /// Onset within a range of `length` days, 1...19; `days` to the key's day from, as we read it, the range's last day,
    /// -14...14.
    case range(length: Int, days: Int)
    /// Symptoms, onset unknown; days from the publication of the key to its day, -14...14.
    case symptomatic(daysSinceSubmission: Int)
    /// No symptoms; days from the publication of the key to its day, -14...14.
    case asymptomatic(daysSinceSubmission: Int)
    /// Whether there were symptoms is not known; days as above.
    case unknownStatus(daysSinceSubmission: Int)
    /// Nothing was stated.
    case notStated
    /// A number that the coding does not have.
    case notUnderstood(Int)

    /// - Parameter value: as a key carries it; any number, nil if absent.
    public init(daysSinceOnset value: Int?) {
        guard let value else {
            self = .notStated
            return
        }
        guard (-14...4014).contains(value) else {
            self = .notUnderstood(value)
            return
        }
        // The nearest hundred: what is left is -50...50.
        let hundreds = (value + (value < 0 ? -50 : 50)) / 100
        let days = value - hundreds * 100
        guard OnsetKnowledge.days.contains(days) else {
            self = .notUnderstood(value)
            return
        }
        switch hundreds {
        case 0: self = .known(days: days)
        case OnsetKnowledge.lengths: self = .range(length: hundreds, days: days)
        case 20: self = .symptomatic(daysSinceSubmission: days)
        case 30: self = .asymptomatic(daysSinceSubmission: days)
        case 40: self = .unknownStatus(daysSinceSubmission: days)
        default: self = .notUnderstood(value)
        }
    }

    /// The day to look infectiousness up for, -14...14; nil where only a default can be taken.
    ///
    /// Our own decisions: the middle of a range, the later of two, because a range says that no day of it is likelier
    /// than another; without symptoms the day of publication stands for onset, as the Risk Score Symposium advises for
    /// the day of the test, which lies shortly before. With symptoms or an unknown status publication is no measure of
    /// onset.
    public var assumedDays: Int? {
        switch self {
        case .known(let days), .asymptomatic(let days): days
        // Onset in the middle is earlier than the last day, so more days have passed since.
        case .range(let length, let days): min(days + (length - 1) / 2, OnsetKnowledge.days.upperBound)
        case .symptomatic, .unknownStatus, .notStated, .notUnderstood: nil
        }
    }

    /// Days that the coding can tell.
    public static let days = -14...14
    /// Days of a range.
    public static let lengths = 1...19
}
