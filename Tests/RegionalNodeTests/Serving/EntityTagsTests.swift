import RegionalNode
import Testing

@Suite struct EntityTagsTests {
    private static let tag = "\"0123456789abcdef\""

    @Test(arguments: [
        [tag], ["W/" + tag], ["*"], ["\"other\", " + tag], ["\"other\"", " \t" + tag + "\t "], ["\"a\",,W/\"b\" ,*"],
    ])
    func aListThatNamesTheTagMatches(values: [String]) {
        #expect(EntityTags.match(values, EntityTagsTests.tag))
    }

    @Test(arguments: [
        [], [""], [","], ["\"other\""], ["w/" + tag], ["W/W/" + tag], [String(tag.dropFirst())], ["\"é\", \"b\""],
    ])
    func anythingElseDoesNot(values: [String]) {
        #expect(!EntityTags.match(values, EntityTagsTests.tag))
    }

    @Test func ofLongListsOnlyTheBeginIsLookedAt() {
        let (tag, limit) = (EntityTagsTests.tag, EntityTags.itemsLimit)
        let others = Array(repeating: "\"other\"", count: limit - 1)
        #expect(EntityTags.match([(others + [tag]).joined(separator: ", ")], tag))
        #expect(!EntityTags.match([(others + ["\"one more\"", tag]).joined(separator: ", ")], tag))
        #expect(EntityTags.match(others + [tag], tag))
        #expect(!EntityTags.match(others + ["\"one more\"", tag], tag))
        let long = String(repeating: "a", count: EntityTags.bytesLimit - 1 - tag.utf8.count)
        #expect(EntityTags.match([long + "," + tag], tag))
        #expect(!EntityTags.match([long + "a," + tag], tag))
        #expect(EntityTags.match([long, tag], tag))
        #expect(!EntityTags.match([long + "aa", tag], tag))
        #expect(!EntityTags.match([String(repeating: "a,", count: 100_000)], tag))
    }
}
