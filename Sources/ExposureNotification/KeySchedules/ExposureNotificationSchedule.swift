public import ExposureKeys

/// The schedule of Exposure Notification: an identifier of 16 bytes for each interval of a temporary exposure key.
public struct ExposureNotificationSchedule: KeySchedule {
    public static let slotSeconds = Interval.seconds

    public init() {}

    public func identifiers(of key: DiagnosisKey, in slots: [Int]) -> [ProximityIdentifier] {
        let start = key.metadata.rollingStart
        return RollingProximityKey(key: key.data).identifiers(at: slots.map { start.advanced(by: Int64($0)) })
    }
}
