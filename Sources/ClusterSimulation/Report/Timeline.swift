/// The course of a run as text: a line for each moment, a column for each node.
public struct Timeline {
    public private(set) var moments: [Moment] = []
    private let limit: Int
    /// Moments beyond the limit.
    public private(set) var left = 0

    /// - Parameter limit: moments kept; the last ones.
    public init(limit: Int = 5000) {
        self.limit = max(1, limit)
    }

    public mutating func add(_ moment: Moment) {
        moments.append(moment)
        // Half at a time, so that each is moved once.
        if moments.count >= 2 * limit {
            moments.removeFirst(limit)
            left += limit
        }
    }

    /// The highest node that something happened to.
    public var nodes: Int { (moments.compactMap(\.node).max() ?? 0) + 1 }
    /// The highest phone that something happened to, counted from 1.
    public var phones: Int { (moments.compactMap(\.phone).max() ?? -1) + 1 }

    /// - Parameter width: columns of the screen.
    public func lines(width: Int = 160) -> [String] {
        let moments = moments.suffix(limit)
        let nodes = nodes
        let column = max(12, (width - 14) / max(1, nodes + phones))
        var lines = [header(column)]
        if left > 0 { lines.append("(\(left) earlier moments are left out)") }
        for moment in moments {
            let time = Timeline.time(moment.time)
            guard let place = moment.node ?? moment.phone.map({ nodes + $0 }) else {
                lines.append("\(time)  \(moment.isViolation ? "BROKEN " : "")\(moment.text)")
                continue
            }
            // What is too long for its column goes on below.
            for (number, part) in Timeline.wrapped(
                moment.isViolation ? "BROKEN " + moment.text : moment.text,
                column - 1
            )
            .enumerated() {
                let start = number == 0 ? time : String(repeating: " ", count: time.count)
                lines.append("\(start)  \(String(repeating: " ", count: place * column))\(part)")
            }
        }
        return lines
    }

    private func header(_ column: Int) -> String {
        let names = ((0..<nodes).map { "node \($0)" } + (0..<phones).map { "phone \($0)" }).map { name in
            return name + String(repeating: " ", count: max(1, column - name.count))
        }
        return String(repeating: " ", count: 14) + names.joined()
    }

    /// Words of a text in lines of at most `width` characters; longer words are cut.
    static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var word = word[...]
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            while word.count > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    /// Hours, minutes, seconds and milliseconds, 12 characters or more.
    public static func time(_ microseconds: Int64) -> String {
        let total = microseconds / 1000
        func padded(_ number: Int64, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        let parts = [padded(total / 3_600_000, 3), padded(total / 60_000 % 60, 2), padded(total / 1000 % 60, 2)]
        return parts.joined(separator: ":") + "." + padded(total % 1000, 3)
    }
}
