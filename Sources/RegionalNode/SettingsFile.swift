internal import Foundation

/// Looks for mistakes in a settings file that would otherwise be passed over: names that are none, values of another
/// kind than the setting's.
enum SettingsFile {
    private enum Kind: String {
        case text = "text in quotes"
        case number = "a whole number"
        case textOrNumber = "text in quotes or a whole number"
        case list = "a list of texts"
    }

    private static let settings: [String: Kind] = [
        "region": .text, "store": .text, "listen.public": .text, "listen.peers": .text, "admin.socket": .text,
        "roster": .text, "authorities": .text, "key": .text, "neighbours": .list, "publicationSlot": .number,
        "asOf": .textOrNumber, "logLevel": .text,
    ]

    /// - Throws: `NodeError` that names the first setting, in alphabetical order, that is wrong.
    static func check(_ path: String) throws(NodeError) {
        let values: Any
        do {
            values = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw NodeError(.file, "the configuration file \(path) cannot be read as JSON", cause: error)
        }
        guard let values = values as? [String: Any] else {
            throw NodeError(.file, "the configuration file \(path) holds no JSON object")
        }
        try check(values, at: "", path)
    }

    private static func check(_ values: [String: Any], at prefix: String, _ path: String) throws(NodeError) {
        for name in values.keys.sorted() {
            guard let value = values[name] else { continue }
            let name = prefix + name
            if let kind = settings[name] {
                guard fits(value, kind) else {
                    throw NodeError(.configuration, "the setting '\(name)' in \(path) must be \(kind.rawValue)")
                }
            } else if let values = value as? [String: Any], settings.keys.contains(where: { $0.hasPrefix(name + ".") })
            {
                try check(values, at: name + ".", path)
            } else {
                throw NodeError(
                    .configuration,
                    "\(path) has '\(name)', which is no setting; docs/OPERATIONS.md lists them"
                )
            }
        }
    }

    private static func fits(_ value: Any, _ kind: Kind) -> Bool {
        switch kind {
        case .text: value is String
        case .number: isWholeNumber(value)
        case .textOrNumber: value is String || isWholeNumber(value)
        case .list: value is [String]
        }
    }

    private static func isWholeNumber(_ value: Any) -> Bool {
        // An object type that keeps true and 1 apart, which casting to Bool or Int does not.
        guard let number = value as? NSNumber, number.objCType.pointee != CChar(UInt8(ascii: "c")) else { return false }
        return Int64(exactly: number.doubleValue) != nil
    }
}
