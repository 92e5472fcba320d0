/// The text in which a monitor reads metrics (Prometheus text exposition format, version 0.0.4).
struct PrometheusText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// Begins a metric; its samples follow.
    mutating func begin(_ name: String, _ kind: Kind, help: String) {
        text += "# HELP \(name) \(Self.escapedHelp(help))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// - Parameter labels: as `labels(_:)` makes them; empty for none.
    mutating func sample(_ name: String, labels: String, _ value: some CustomStringConvertible) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// Labels in the order given.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { name, value in "\(name)=\"\(escapedValue(value))\"" }.joined(separator: ",")
    }

    /// Numbers as the format writes them: no exponent is needed for those that nodes have.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }

    private static func escapedHelp(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    private static func escapedValue(_ text: String) -> String {
        escapedHelp(text).replacing("\"", with: "\\\"")
    }
}
