/// What a node's problem documents say of a range (docs/HTTP-API.md, "Problems").
public enum ServedProblem {
    /// A batch of the range is damaged on the node's disk, or lacking there: what follows it can be had without it.
    public static let damaged = "urn:keytide:problem:damaged"

    /// Whether an answer's body is a problem document of that type. In JSON a quotation mark within a string is escaped,
    /// so the type between two of them is a string of its own. At most the first 1,024 bytes are looked at.
    static func isDamaged(_ body: [UInt8]) -> Bool {
        let type = Array("\"\(damaged)\"".utf8)
        let head = body.prefix(1024)
        guard head.count >= type.count else { return false }
        return (0...(head.count - type.count)).contains { head[$0..<$0 + type.count].elementsEqual(type) }
    }
}
