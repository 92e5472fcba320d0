public import Configuration
public import ExposureKeys
public import Foundation
public import HTTP2
public import Logging
package import Replication
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
    /// For `/metrics`: on this host only. Nil for none.
    public var metricsAddress: HostPort?
    /// Certificate and key of the public listener; nil for cleartext.
    public var tls: TLSFiles?
    /// Certificate and key by which other nodes know this one; nil for cleartext.
    public var peerIdentity: TLSFiles?
    public var rosterPath: String
    public var authoritiesPath: String
    public var signingKeyPath: String
    /// Regions to link with; nil for those that follow from the roster and from round trips: `Overlay`.
    public var neighbours: [Region]?
    /// How the latter are found; of this, only `nearest` is a setting.
    package var survey = SurveySettings()
    /// Seconds between publication slots; governs how long caches may keep an index.
    public var publicationSlot: Int64
    /// Bytes of memory for what others make the node hold; less if a limit of the system leaves less.
    public var memory: Int
    /// Unix seconds to which the node's clock is set at the start.
    public var asOf: Int64?
    public var logLevel: Logger.Level

    /// - Throws: `NodeError` that names the setting and says how to give it.
    public init(_ reader: ConfigReader) throws(NodeError) {
        let settings = NodeSettings(reader)
        region = try settings.value("region", "a region code such as VN-01") { Region($0) }
        storePath = try settings.text("store")
        publicAddress = try settings.value("listen.public", or: "127.0.0.1:8440", "host:port") { HostPort($0) }
        peerAddress = try settings.value("listen.peers", or: "127.0.0.1:8441", "host:port") { HostPort($0) }
        adminSocketPath = try settings.text("admin.socket", or: storePath + ".admin")
        try settings.requireSocketPath(adminSocketPath)
        metricsAddress = try settings.metricsAddress()
        tls = try settings.files("tls")
        peerIdentity = try settings.files("peers")
        try settings.requireTLS(publicAddress, tls, peerAddress, peerIdentity)
        rosterPath = try settings.text("roster")
        authoritiesPath = try settings.text("authorities")
        signingKeyPath = try settings.text("key")
        neighbours = try settings.regions("neighbours")
        survey.nearest = try settings.value("nearest", or: "3", "a number of regions from 0 to 16") {
            Int($0).flatMap { (0...16).contains($0) ? $0 : nil }
        }
        publicationSlot = try settings.value("publicationSlot", or: "3600", "a number of seconds from 1 to 86400") {
            Int64($0).flatMap { (1...86_400).contains($0) ? $0 : nil }
        }
        memory = try settings.value("memory", or: "512", "a number of MiB from 64 to 1048576") {
            Int($0).flatMap { (64...1_048_576).contains($0) ? $0 << 20 : nil }
        }
        let time = try settings.value("asOf", or: "", "a time such as 2020-12-24T00:00:00Z, or unix seconds") { text in
            text.isEmpty ? .some(nil) : NodeConfiguration.time(text).map { Int64?.some($0) }
        }
        asOf = time
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        logLevel = try settings.value("logLevel", or: "info", "one of \(levels)") { Logger.Level(rawValue: $0) }
    }

    /// The providers of a node's settings, in the order in which they win.
    /// - Parameters:
    ///   - flags: settings from the command line by name.
    ///   - environment: variables; by default those of the process.
    ///   - file: a JSON file; nil for none.
    public static func reader(
        flags: [String: ConfigValue],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        file: String?
    ) async throws(NodeError) -> ConfigReader {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, value) in flags { values[AbsoluteConfigKey(ConfigKey(name))] = value }
        var providers: [any ConfigProvider] = [InMemoryProvider(name: "flags", values: values)]
        let variables = EnvironmentVariablesProvider(environmentVariables: environment)
        providers.append(variables.prefixKeys(with: "keytide"))
        if let file {
            try NodeSettings.checkNames(inFile: file)
            do {
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(file)))
            } catch {
                throw NodeError(.file, "the configuration file \(file) is not JSON as a node reads it", cause: error)
            }
        }
        return ConfigReader(providers: providers)
    }

    /// A time as people write it: ISO 8601 with a zone, a date and time in UTC without one, or unix seconds.
    public static func time(_ text: String) -> Int64? {
        time(unchecked: text).flatMap { times.contains($0) ? $0 : nil }
    }

    /// From 1970 to 9999: what lies beyond is a typing error, and no clock may run over at it.
    private static let times: ClosedRange<Int64> = 0...253_402_300_799

    private static func time(unchecked text: String) -> Int64? {
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
}

/// A host and a port, written `host:port`, with an IPv6 address in brackets.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { return nil }
        let name = text[..<colon]
        host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : String(name)
        guard !host.isEmpty else { return nil }
        self.port = port
    }

    /// Whether only this host can reach it: a numeric loopback address, or `localhost`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
