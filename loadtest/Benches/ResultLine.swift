import Foundation

/// One result. Its JSON object has the fields in the order of declaration, then the further ones.
struct ResultLine {
    let bench: String
    /// What was measured, such as the archive or the number of keys.
    let `case`: String
    /// What it is held against: a program or library, or a form of the same data.
    let peer: String
    let ours: Double
    let theirs: Double?
    /// What `ours` must not exceed; for sizes in bytes, the least that is possible.
    let limit: Double?
    /// `ours` over `limit` for sizes, over `theirs` for costs; nil where there is nothing to divide by.
    let ratio: Double?
    let unit: String
    var further: [(name: String, value: Double)] = []

    var json: String {
        var fields: [(String, String)] = [
            ("bench", ResultLine.text(bench)), ("case", ResultLine.text(self.case)), ("peer", ResultLine.text(peer)),
            ("ours", ResultLine.number(ours)), ("theirs", ResultLine.number(theirs)),
            ("limit", ResultLine.number(limit)), ("ratio", ResultLine.number(ratio)), ("unit", ResultLine.text(unit)),
        ]
        fields += further.map { ($0.name, ResultLine.number($0.value)) }
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    func print() {
        FileHandle.standardOutput.write(Data((json + "\n").utf8))
    }

    /// Five decimals at most; whole numbers without a point; null for nil and for what is no number.
    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite, abs(value) < 1e12 else { return "null" }
        let rounded = (value * 1e5).rounded() / 1e5
        return Int64(exactly: rounded).map { String($0) } ?? rounded.description
    }

    private static func text(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20: result += String(format: "\\u%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

enum Progress {
    static func report(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
