import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// What must not stand in any log, however much is logged.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PrivacyTests {
    /// Requests to the public and the peer listener over TLS, of which the latter is refused; their local ports.
    private func clientsOverTLS(of cluster: Cluster) async throws -> [Int] {
        var ports: [Int] = []
        for port in 0..<4 {
            let command = [
                "/usr/bin/curl", "-sS", "--insecure", "-o", "/dev/null", "-w", "%{local_port}",
                "https://127.0.0.1:\(cluster.basePort + port)/v1/index",
            ]
            let child = try Child(command, in: cluster.scratch)
            defer { child.kill() }
            guard try await child.end(within: 20) != nil, let local = Int(child.output) else {
                throw TestFailure("curl: \(child.errors)")
            }
            ports.append(local)
        }
        return ports
    }

    @Test(arguments: [[], ["--cleartext"]])
    func logsHoldNoKeysNoClientsAndNoSecrets(options: [String]) async throws {
        try await Cluster.with("VN-01", "VN-48", options: options) { cluster in
            try await cluster.start("VN-48", "--log-level", "trace")
            try await cluster.start("VN-01", "--log-level", "trace")
            let archive = try cluster.archives.make("a.zip", patients: 10)
            let altered = try cluster.scratch.write(archive.bytes.dropLast(200), "cut.zip")
            let imported = try await cluster.import("VN-01", archive.path, altered)
            let feed = try #require(imported.reports.first?.report?.feed)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            var clientPorts: [Int] = []
            for request in [
                "GET /v1/index HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/feeds/\(feed)/0/0 HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /v1/feeds/\(feed)/0/999 HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense nonsense nonsense",
            ] {
                for port in 0..<4 {
                    let client = try SlowClient(port: cluster.basePort + port, sending: request)
                    clientPorts.append(client.port)
                    try await Task.sleep(for: .milliseconds(20))
                    client.close()
                }
            }
            if options.isEmpty { clientPorts += try await clientsOverTLS(of: cluster) }
            #expect(try await cluster.stop("VN-01") == 0)
            #expect(try await cluster.stop("VN-48") == 0)

            var secrets = clientPorts.flatMap { ["127.0.0.1:\($0)", "127.0.0.1, port: \($0)", ":\($0) "] }
            for key in archive.keys {
                let bytes = Data(key.data.bytes)
                secrets.append(bytes.map { String(format: "%02x", $0) }.joined())
                secrets.append(bytes.map { "\($0)" }.joined(separator: ", "))
                secrets.append(String(bytes.base64EncodedString().prefix(20)))
                secrets += ["\(key.data.high)", "\(key.data.low)"]
            }
            for region in ["VN-01", "VN-48"] {
                let text = try String(contentsOfFile: cluster.path("\(region).key"), encoding: .utf8)
                let encoded = text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "+", maxSplits: 4)
                    .last
                let seed = try #require(encoded.flatMap { Data(base64Encoded: String($0)) })
                secrets.append(seed.dropFirst().map { String(format: "%02x", $0) }.joined())
                secrets.append(seed.base64EncodedString())
                secrets.append(Data(seed.dropFirst()).base64EncodedString())
            }
            for name in ["tls.key", "VN-01.peer.key", "VN-48.peer.key"] where options.isEmpty {
                let key = try String(contentsOfFile: cluster.path(name), encoding: .utf8)
                secrets += key.split(separator: "\n").filter { $0.count == 64 }.map(String.init)
            }
            for region in ["VN-01", "VN-48"] {
                let node = try cluster.node(region)
                let log = (node.errors + node.output).lowercased()
                #expect(log.contains("feed grew"))
                for secret in secrets where log.contains(secret.lowercased()) {
                    Issue.record("\(region) logs \(secret)")
                }
            }
        }
    }
}
