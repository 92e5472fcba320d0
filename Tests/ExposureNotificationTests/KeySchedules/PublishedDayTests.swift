import ExposureKeys
import ExposureNotification
import Testing

// The compiler prefers these only as long as the module has no initializer that takes what a feed carries.
extension BluezoneDailyKey {
    fileprivate init?(_ anything: some Sendable) { return nil }
    fileprivate init?(baseID anything: some Sendable) { return nil }
    fileprivate init?(subKey anything: some Sendable) { return nil }
    fileprivate init?(firstSubKey anything: some Sendable) { return nil }
    fileprivate init?(dayKey anything: some Sendable) { return nil }
}

struct PublishedDayTests {
    /// By type: of a published day key, and of its sub-key, nothing makes a daily key.
    @Test func noInitializerMakesADailyKeyOfWhatAFeedCarries() throws {
        let subKey = BluezoneSubKey(1, 2, 3, 4)
        let key = try BluezoneSample.published(subKey)
        let made: [BluezoneDailyKey?] = [
            BluezoneDailyKey(subKey), BluezoneDailyKey(baseID: subKey), BluezoneDailyKey(subKey: subKey),
            BluezoneDailyKey(firstSubKey: subKey), BluezoneDailyKey(key), BluezoneDailyKey(baseID: key),
            BluezoneDailyKey(dayKey: key),
        ]
        #expect(made.allSatisfy { $0 == nil })
    }
}
