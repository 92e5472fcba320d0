import ClusterSimulation
import Testing

@Suite struct TimelineTests {
    @Test func everyNodeHasAColumn() {
        var timeline = Timeline()
        timeline.add(Moment(time: 1_500_000, node: 0, text: "starts"))
        timeline.add(Moment(time: 61_000_000, node: 2, text: "publishes 3 keys as batch 0 of a feed with a long name"))
        timeline.add(Moment(time: 62_000_000, node: nil, text: "nothing passes"))
        timeline.add(Moment(time: 63_000_000, node: 1, text: "signs twice", isViolation: true))
        let lines = timeline.lines(width: 14 + 3 * 20)
        #expect(lines[0] == "              node 0              node 1              node 2              ")
        #expect(lines[1] == "000:00:01.500  starts")
        #expect(lines[2].hasPrefix("000:01:01.000  " + String(repeating: " ", count: 40) + "publishes 3 keys"))
        #expect(lines.contains("000:01:02.000  nothing passes"))
        #expect(lines.contains { $0.contains("BROKEN signs twice") })
        #expect(lines.allSatisfy { $0.count <= 15 + 3 * 20 })
    }

    /// Phones stand to the right of the nodes.
    @Test func everyPhoneHasAColumn() {
        var timeline = Timeline()
        timeline.add(Moment(time: 0, node: 1, text: "starts"))
        timeline.add(Moment(time: 0, node: nil, phone: 1, text: "is offline"))
        let lines = timeline.lines(width: 14 + 4 * 20)
        #expect(lines[0].hasSuffix("node 1              phone 0             phone 1             "))
        #expect(lines[2] == "000:00:00.000  " + String(repeating: " ", count: 60) + "is offline")
        #expect(TimelineHTML.page(timeline, title: "", nodes: 2).contains(">phone 1</text>"))
    }

    @Test func onlyTheLastMomentsAreKept() {
        var timeline = Timeline(limit: 10)
        for time in 0..<100 { timeline.add(Moment(time: Int64(time), node: 0, text: "\(time)")) }
        #expect(timeline.moments.count <= 20)
        #expect(timeline.moments.last?.text == "99")
        #expect(timeline.left + timeline.moments.count == 100)
    }

    @Test func nothingInATextIsTakenForMarkup() {
        var timeline = Timeline()
        timeline.add(Moment(time: 0, node: 0, text: "<script>\"&"))
        let page = TimelineHTML.page(timeline, title: "a<b", nodes: 3)
        #expect(!page.contains("<script>"))
        #expect(page.contains("&lt;script&gt;&quot;&amp;"))
        #expect(page.contains("a&lt;b"))
        #expect(page.contains("node 2"))
    }
}
