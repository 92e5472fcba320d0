/// What an operator asks of one import beyond its keys.
public struct ImportOptions: Sendable, Equatable {
    /// Publish although neighbours' clocks say that this node's is wrong.
    public var trustsClock = false
    /// Publish also reports that this region has made before and since replaced.
    public var restates = false

    public init() {}

    /// The form of a request's field: names separated by commas.
    /// - Returns: nil if it names what this version does not know.
    init?(field: String) {
        for name in field.split(separator: ",") {
            switch name {
            case "trust-clock": trustsClock = true
            case "restate": restates = true
            default: return nil
            }
        }
    }

    public var field: String {
        [trustsClock ? "trust-clock" : nil, restates ? "restate" : nil].compactMap { $0 }.joined(separator: ",")
    }
}
