/// The course of a run as a drawing in one HTML file: time downwards, a lane for each node.
public enum TimelineHTML {
    private static let lane = 150
    private static let row = 18
    private static let left = 110

    /// - Parameters:
    ///   - title: what was run, for example its arguments.
    ///   - nodes: lanes to draw.
    public static func page(_ timeline: Timeline, title: String, nodes: Int) -> String {
        let nodes = max(nodes, timeline.nodes)
        let lanes = (0..<nodes).map { "node \($0)" } + (0..<timeline.phones).map { "phone \($0)" }
        let width = left + lanes.count * lane + 20
        let height = 60 + timeline.moments.count * row
        var drawing = ""
        for (place, name) in lanes.enumerated() {
            let x = left + place * lane + lane / 2
            drawing += "<text x=\"\(x)\" y=\"20\" text-anchor=\"middle\">\(name)</text>"
            drawing += "<line x1=\"\(x)\" y1=\"30\" x2=\"\(x)\" y2=\"\(height)\" class=\"lane\"/>\n"
        }
        for (place, moment) in timeline.moments.enumerated() {
            drawing += mark(moment, y: 48 + place * row, width: width, nodes: nodes)
        }
        return """
            <!doctype html>
            <html lang="en"><meta charset="utf-8"><title>keytide simulate</title>
            <style>
            body { font: 12px sans-serif } text { font-size: 11px } .lane { stroke: #ccc } .all { stroke: #88a }
            .dot { fill: #478 } .bad { fill: #c22 } .badtext { fill: #c22; font-weight: bold } .time { fill: #888 }
            </style>
            <h1>keytide simulate</h1><p><code>\(escaped(title))</code></p>
            <svg width="\(width)" height="\(height)" role="img">
            \(drawing)</svg></html>

            """
    }

    private static func mark(_ moment: Moment, y: Int, width: Int, nodes: Int) -> String {
        let text = escaped(moment.text)
        let time = "<text x=\"4\" y=\"\(y + 4)\" class=\"time\">\(Timeline.time(moment.time))</text>"
        let style = moment.isViolation ? " class=\"badtext\"" : ""
        guard let place = moment.node ?? moment.phone.map({ nodes + $0 }) else {
            return time + "<line x1=\"\(left)\" y1=\"\(y)\" x2=\"\(width)\" y2=\"\(y)\" class=\"all\"/>"
                + "<text x=\"\(left)\" y=\"\(y - 2)\"\(style)>\(text)</text>\n"
        }
        let x = left + place * lane + lane / 2
        let short = moment.text.count > 24 ? escaped(String(moment.text.prefix(23))) + "…" : text
        return time + "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"4\" class=\"\(moment.isViolation ? "bad" : "dot")\">"
            + "<title>\(text)</title></circle>"
            + "<text x=\"\(x + 7)\" y=\"\(y + 4)\"\(style)>\(short)<title>\(text)</title></text>\n"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
