public import Configuration
public import ExposureKeys
internal import FeedFormat
internal import Foundation
internal import SystemPackage

/// Everything that can be set about a node. Flags win over the environment, the environment over the file.
///
/// Names below are those in the file (JSON, nested at the dots); the environment has them in capitals with
/// `KEYTIDE_` in front and underscores for dots and between words. docs/OPERATIONS.md lists them with their meaning.
public struct NodeConfiguration: Sendable {
    public var region: Region
    public var storePath: String
    public var publicAddress: HostPort
    public var peerAddress: HostPort
    public var adminSocketPath: String
    public var rosterPath: String
    public var authoritiesPath: String
    public var signingKeyPath: String
    /// Regions to link with; nil for the neighbours on the ring of the roster.
    public var neighbours: [Region]?
    /// Seconds between publication slots; governs how long caches may keep an index.
    public var publicationSlot: Int64
    /// Unix seconds to which the node's clock is set at the start.
    public var asOf: Int64?
    public var logLevel: String

    /// - Throws: `NodeError` that names the setting.
    public init(_ reader: ConfigReader) throws(NodeError) {
        func required(_ key: String) throws(NodeError) -> String {
            guard let value = reader.string(forKey: ConfigKey(key)), !value.isEmpty else {
                throw NodeError(
                    .configuration,
                    "the setting '\(key)' is missing: give it in the configuration file or as \(NodeConfiguration.variable(key))"
                )
            }
            return value
        }
        func invalid(_ key: String, _ expected: String) -> NodeError {
            NodeError(.configuration, "the setting '\(key)' is not \(expected)")
        }
        guard let region = Region(try required("region")) else {
            throw invalid("region", "a region code such as VN-01")
        }
        self.region = region
        storePath = try required("store")
        guard let publicAddress = HostPort(reader.string(forKey: "listen.public", default: "127.0.0.1:8440")) else {
            throw invalid("listen.public", "host:port")
        }
        self.publicAddress = publicAddress
        guard let peerAddress = HostPort(reader.string(forKey: "listen.peers", default: "127.0.0.1:8441")) else {
            throw invalid("listen.peers", "host:port")
        }
        self.peerAddress = peerAddress
        adminSocketPath = reader.string(forKey: "admin.socket", default: storePath + ".admin")
        rosterPath = try required("roster")
        authoritiesPath = try required("authorities")
        signingKeyPath = try required("key")
        if let names = reader.stringArray(forKey: "neighbours") {
            let regions = names.compactMap { Region($0) }
            guard regions.count == names.count else { throw invalid("neighbours", "a list of region codes") }
            neighbours = regions
        }
        // A text that is no number reads as none.
        let slotText = reader.string(forKey: "publicationSlot")
        let slot = reader.int(forKey: "publicationSlot") ?? (slotText == nil ? 3600 : 0)
        guard (1...86_400).contains(slot) else { throw invalid("publicationSlot", "1 to 86400 seconds") }
        publicationSlot = Int64(slot)
        if let text = reader.string(forKey: "asOf") ?? reader.int(forKey: "asOf").map(String.init) {
            guard let time = NodeConfiguration.time(text) else {
                throw invalid("asOf", "a time such as 2020-12-24T00:00:00Z or unix seconds")
            }
            asOf = time
        }
        logLevel = reader.string(forKey: "logLevel", default: "info")
    }

    /// The providers of a node's settings, in the order in which they win.
    /// - Parameters:
    ///   - flags: settings from the command line by name.
    ///   - file: a JSON file; nil for none.
    public static func reader(flags: [String: ConfigValue], file: String?) async throws(NodeError) -> ConfigReader {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, value) in flags { values[AbsoluteConfigKey(ConfigKey(name))] = value }
        var providers: [any ConfigProvider] = [InMemoryProvider(name: "flags", values: values)]
        providers.append(EnvironmentVariablesProvider().prefixKeys(with: "keytide"))
        if let file {
            try SettingsFile.check(file)
            do {
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file)))
            } catch {
                throw NodeError(.file, "the configuration file \(file) cannot be read as JSON", cause: error)
            }
        }
        return ConfigReader(providers: providers)
    }

    /// A time as people write it: ISO 8601 with a zone, a date and time in UTC without one, or unix seconds.
    public static func time(_ text: String) -> Int64? {
        if let seconds = Int64(text) { return seconds }
        let formatter = ISO8601DateFormatter()
        for candidate in [text, text + "Z", text.replacing(" ", with: "T") + "Z", text + "T00:00:00Z"] {
            if let date = formatter.date(from: candidate) { return Int64(date.timeIntervalSince1970) }
            if let date = formatter.date(from: candidate.replacing("Z", with: ":00Z")) {
                return Int64(date.timeIntervalSince1970)
            }
        }
        return nil
    }

    private static func variable(_ key: String) -> String {
        "KEYTIDE_" + key.uppercased().replacing(".", with: "_")
    }
}

/// A host and a port, written `host:port`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { return nil }
        host = String(text[..<colon])
        self.port = port
    }

    /// Reads `http://host:port`, with or without a slash at the end.
    public init?(url: some StringProtocol) {
        guard url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst("http://".count)
        self.init(rest.hasSuffix("/") ? rest.dropLast() : rest)
    }

    public var description: String { "\(host):\(port)" }
}
