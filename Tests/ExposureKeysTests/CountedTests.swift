import ExposureKeys
import Testing

@Suite struct CountedTests {
    @Test(arguments: [
        (0, "key", "0 keys"), (1, "key", "1 key"), (2, "key", "2 keys"), (-1, "day", "-1 days"),
        (1, "batch", "1 batch"),
        (2, "batch", "2 batches"), (3, "authority", "3 authorities"), (2, "witness", "2 witnesses"),
        (5, "index", "5 indexes"), (2, "hash", "2 hashes"), (2, "day", "2 days"),
        (1, "other operator", "1 other operator"),
    ])
    func aNounStandsInItsForm(count: Int, noun: String, text: String) {
        #expect(count.counted(noun) == text)
        #expect(Int64(count).counted(noun) == text)
    }
}
