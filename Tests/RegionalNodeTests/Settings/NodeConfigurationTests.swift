import Configuration
import ExposureKeys
import Foundation
import Logging
import RegionalNode
import Replication
import Testing
import TestSupport

@Suite struct NodeConfigurationTests {
    private static let needed = ["region": "VN-01", "store": "s", "roster": "r", "authorities": "a", "key": "k"]

    private func configuration(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) async throws -> NodeConfiguration {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try file.map { try scratch.write($0.utf8, "node.json") }
        let flags = flags.mapValues { ConfigValue(.string($0), isSecret: false) }
        return try NodeConfiguration(
            await NodeConfiguration.reader(flags: flags, environment: environment, file: path)
        )
    }

    /// The reason for which these settings are refused.
    private func refusal(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) async throws -> String {
        do {
            _ = try await configuration(flags: flags, environment: environment, file: file)
        } catch let error as NodeError {
            return error.description
        }
        return ""
    }

    @Test func whatIsNotGivenHasItsDefault() async throws {
        let settings = try await configuration(flags: Self.needed)
        #expect(settings.publicAddress.description == "127.0.0.1:8440")
        #expect(settings.peerAddress.description == "127.0.0.1:8441")
        #expect(settings.adminSocketPath == "s.admin")
        #expect(settings.neighbours == nil)
        #expect(settings.survey.nearest == 3)
        #expect(settings.publicationSlot == 3600)
        #expect(settings.memory == 512 << 20)
        #expect(settings.asOf == nil)
        #expect(settings.logLevel == .info)
    }

    @Test func flagsWinOverVariablesAndTheseOverTheFile() async throws {
        let file = """
            {"region": "VN-01", "store": "file", "roster": "file", "authorities": "a", "key": "k",
             "listen": {"public": "127.0.0.5:1"}, "publicationSlot": 10, "nearest": 0, "neighbours": ["VN-02"], "asOf": 77}
            """
        let environment = [
            "KEYTIDE_STORE": "variable", "KEYTIDE_ROSTER": "variable", "KEYTIDE_PUBLICATION_SLOT": "20",
            "KEYTIDE_NEIGHBOURS": "VN-03, VN-04", "KEYTIDE_LOG_LEVEL": "trace",
        ]
        let settings = try await configuration(flags: ["store": "flag"], environment: environment, file: file)
        #expect(settings.storePath == "flag")
        #expect(settings.rosterPath == "variable")
        #expect(settings.authoritiesPath == "a")
        #expect(settings.publicAddress.description == "127.0.0.5:1")
        #expect(settings.publicationSlot == 20)
        #expect(settings.neighbours?.map(\.code) == ["VN-03", "VN-04"])
        #expect(settings.survey.nearest == 0)
        #expect(settings.asOf == 77)
        #expect(settings.logLevel == .trace)
    }

    @Test(arguments: ["region", "store", "roster", "authorities", "key"])
    func aMissingSettingIsNamed(name: String) async throws {
        var flags = Self.needed
        flags[name] = nil
        let reason = try await refusal(flags: flags)
        #expect(reason.contains("'\(name)' is missing"))
        #expect(reason.contains("--\(name)") && reason.contains("KEYTIDE_\(name.uppercased())"))
    }

    @Test(arguments: [
        ("region", "vn 01"), ("listen.public", "8440"), ("listen.peers", "host:65536"), ("publicationSlot", "0"),
        ("publicationSlot", "soon"), ("asOf", "yesterday"), ("logLevel", "loud"), ("neighbours", "VN-02;VN-03"),
        ("nearest", "17"), ("nearest", "-1"), ("memory", "63"), ("memory", "1048577"), ("memory", "much"),
    ])
    func aWrongSettingIsNamed(name: String, value: String) async throws {
        var environment: [String: String] = [:]
        for (name, value) in Self.needed { environment["KEYTIDE_\(name.uppercased())"] = value }
        let variable = [
            "region": "REGION", "listen.public": "LISTEN_PUBLIC", "listen.peers": "LISTEN_PEERS",
            "publicationSlot": "PUBLICATION_SLOT", "asOf": "AS_OF", "logLevel": "LOG_LEVEL",
            "neighbours": "NEIGHBOURS", "nearest": "NEAREST", "memory": "MEMORY",
        ][name].map { "KEYTIDE_\($0)" }
        let known = try #require(variable)
        environment[known] = value
        let reason = try await refusal(environment: environment)
        #expect(reason.contains("'\(name)' is not "), "\(reason)")
        #expect(reason.contains(known), "\(reason)")
    }

    @Test(arguments: [
        ("{\"region\": {\"code\": \"VN-01\"}}", "'region.code', which is no setting"),
        ("{\"publication\": 3}", "'publication', which is no setting"), ("[1]", "JSON object"), ("{", "as JSON"),
        ("{\"store\": [\"s\"]}", "'store' is not a text"), ("{\"publicationSlot\": 1.5}", "'publicationSlot'"),
    ])
    func aWrongFileIsNamed(text: String, words: String) async throws {
        var flags = Self.needed
        if text.contains("store") { flags["store"] = nil }
        let reason = try await refusal(flags: flags, file: text)
        #expect(reason.contains(words), "\(reason)")
    }

    @Test(
        arguments: [
            ("2020-12-24T00:00:00Z", 1_608_768_000), ("2020-12-24 00:00", 1_608_768_000), ("2020-12-24", 1_608_768_000),
            ("2020-12-24T07:00:00+07:00", 1_608_768_000), ("1608768000", 1_608_768_000),
        ] as [(String, Int64)]
    )
    func timesAreReadAsPeopleWriteThem(text: String, seconds: Int64) {
        #expect(NodeConfiguration.time(text) == seconds)
    }

    @Test func addressesHaveAHostAndAPort() {
        #expect(HostPort("[::1]:80")?.host == "::1")
        #expect(HostPort("[::1]:80")?.description == "[::1]:80")
        for text in ["", ":80", "host", "host:", "host:-1", "host:65536", "[]:80"] { #expect(HostPort(text) == nil) }
    }
}
