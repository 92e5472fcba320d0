internal import Configuration
internal import ExposureKeys
internal import FeedStore
internal import Foundation

/// Reads settings one by one; what is missing or wrong is named, with the ways to give it.
struct NodeSettings {
    private let reader: ConfigReader

    /// Every setting there is.
    static let names = [
        "region", "store", "listen.public", "listen.peers", "admin.socket", "roster", "authorities", "key",
        "listen.metrics", "listen.insecure", "tls.certificate", "tls.key", "peers.certificate", "peers.key",
        "neighbours", "nearest", "publicationSlot", "memory", "asOf", "logLevel",
    ]

    init(_ reader: ConfigReader) {
        self.reader = reader
    }

    /// - Parameter standard: what holds if the setting is not given; nil if it must be.
    func text(_ name: String, or standard: String? = nil) throws(NodeError) -> String {
        let key = ConfigKey(name)
        if let text = reader.string(forKey: key), !text.isEmpty { return text }
        if let number = reader.int(forKey: key) { return String(number) }
        guard reader.bool(forKey: key) == nil, reader.double(forKey: key) == nil,
            reader.stringArray(forKey: key) == nil, reader.intArray(forKey: key) == nil,
            reader.doubleArray(forKey: key) == nil, reader.boolArray(forKey: key) == nil
        else { throw wrong(name, "a text") }
        if let standard { return standard }
        throw NodeError(.configuration, "the setting '\(name)' is missing: \(NodeSettings.ways(name))")
    }

    /// - Parameter expected: what a right value is, as in "host:port".
    func value<Value>(
        _ name: String,
        or standard: String? = nil,
        _ expected: String,
        _ parse: (String) -> Value?
    ) throws(NodeError) -> Value {
        guard let value = parse(try text(name, or: standard)) else { throw wrong(name, expected) }
        return value
    }

    /// False if the setting is not given.
    func flag(_ name: String) throws(NodeError) -> Bool {
        if let flag = reader.bool(forKey: ConfigKey(name)) { return flag }
        return try value(name, or: "false", "true or false") { Bool($0) }
    }

    /// - Returns: nil if the setting is not given.
    func regions(_ name: String) throws(NodeError) -> [Region]? {
        guard let list = reader.stringArray(forKey: ConfigKey(name)) else {
            guard try text(name, or: "").isEmpty else { throw wrong(name, "a list of region codes") }
            return nil
        }
        let codes = list.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let regions = codes.compactMap { Region($0) }
        guard regions.count == codes.count else { throw wrong(name, "a list of region codes such as VN-01") }
        return regions
    }

    /// Bytes of the longest path that a socket can have here (`sockaddr_un`, less what NIO keeps free).
    static let longestSocketPath = 103

    func requireSocketPath(_ path: String) throws(NodeError) {
        guard path.utf8.count <= NodeSettings.longestSocketPath else {
            throw NodeError(
                .configuration,
                "the path of the admin socket, \(path), has \(path.utf8.count) bytes, and the system takes "
                    + "\(NodeSettings.longestSocketPath): \(NodeSettings.ways("admin.socket"))"
            )
        }
    }

    private func wrong(_ name: String, _ expected: String) -> NodeError {
        NodeError(.configuration, "the setting '\(name)' is not \(expected): \(NodeSettings.ways(name))")
    }

    /// The three ways to give a setting.
    private static func ways(_ name: String) -> String {
        var words = ""
        for character in name {
            if character.isUppercase { words.append("-") }
            words.append(character == "." ? "-" : Character(character.lowercased()))
        }
        let variable = "KEYTIDE_" + words.uppercased().replacing("-", with: "_")
        return "give --\(words), the variable \(variable), or \"\(name)\" in the configuration file"
    }

    /// A misspelt setting would be passed over in silence.
    static func checkNames(inFile path: String) throws(NodeError) {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            let reason = NodeSettings.jsonFault(error)
            throw NodeError(.file, "the configuration file \(path) cannot be read as JSON: \(reason)")
        }
        guard let settings = object as? [String: Any] else {
            throw NodeError(.file, "the configuration file \(path) does not hold a JSON object with settings")
        }
        let unknown = leaves(of: settings).filter { !names.contains($0) }.sorted()
        guard let first = unknown.first else { return }
        let known = names.joined(separator: ", ")
        throw NodeError(
            .configuration,
            "the configuration file \(path) gives '\(first)', which is no setting; there are \(known)"
        )
    }

    /// What a JSON parser found, and where, without Foundation's phrases around it.
    private static func jsonFault(_ error: any Error) -> String {
        (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String ?? SystemReason.text(error)
    }

    private static func leaves(of object: [String: Any]) -> [String] {
        object.flatMap { name, value in
            (value as? [String: Any]).map { inner in leaves(of: inner).map { "\(name).\($0)" } } ?? [name]
        }
    }
}
