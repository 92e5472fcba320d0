import Foundation

/// The servers that benches hold beside each other.
enum ServerKind: String {
    case keytide
    case nghttpd
    case nginx
    case h2o
}

extension ServedSite {
    private static let caching = "public, max-age=1296000, immutable"

    /// Starts a server on one core and waits until it answers.
    func start(_ kind: ServerKind, core: Int) throws -> ServerProcess {
        let port = kind == .keytide ? nodePort : try Ports.free()
        return try start(try command(kind, port: port), kind, core: core, port: port)
    }

    /// Starts a server under callgrind.
    /// - Parameter output: file for what is counted, to which the number of the process is added.
    func start(
        _ kind: ServerKind,
        counted program: CountedProgram,
        core: Int,
        output: String
    ) throws -> ServerProcess {
        let port = kind == .keytide ? nodePort : try Ports.free()
        let command = program.command(Array(try command(kind, port: port).dropFirst()), output: output)
        return try start(command, kind, core: core, port: port)
    }

    private func start(_ command: [String], _ kind: ServerKind, core: Int, port: Int) throws -> ServerProcess {
        let server = try ServerProcess(command, core: core, port: port, log: "\(directory)/\(kind.rawValue).log")
        do {
            try server.waitUntilReady()
            try check(server)
        } catch {
            server.stop()
            throw error
        }
        return server
    }

    private func command(_ kind: ServerKind, port: Int) throws -> [String] {
        switch kind {
        case .keytide:
            return [try Command.keytide()] + nodeArguments
        case .nghttpd:
            let files = "--htdocs=\(directory)/files"
            // It says cache-control: max-age=3600 of itself.
            let options = ["--max-concurrent-streams=100", files]
            let address = ["--address=127.0.0.1"]
            if isCleartext { return ["nghttpd", "--no-tls"] + options + address + [String(port)] }
            return ["nghttpd"] + options + address + [String(port), try certificate().key, try certificate().chain]
        case .nginx:
            return ["nginx", "-e", "stderr", "-p", directory, "-c", try configuration("nginx.conf", port: port)]
        case .h2o:
            return ["h2o", "-c", try configuration("h2o.conf", port: port)]
        }
    }

    private var nodeArguments: [String] {
        ["node", "--config", "\(directory)/cluster/\(ServedSite.region).json", "--log-level", "warning"]
    }

    /// The public certificate and key of the node: the others show the same.
    func certificate() throws -> (chain: String, key: String) {
        let settings = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/cluster/\(ServedSite.region).json"))
        let object = try JSONSerialization.jsonObject(with: settings) as? [String: Any]
        guard let tls = object?["tls"] as? [String: Any], let chain = tls["certificate"] as? String,
            let key = tls["key"] as? String
        else { throw BenchError("keytide cluster create made no certificate; measure with --cleartext") }
        return (chain, key)
    }

    /// Fills in a configuration of loadtest/peers.
    private func configuration(_ name: String, port: Int) throws -> String {
        let certificate = isCleartext ? (chain: "", key: "") : try certificate()
        let tls = """
                  ssl:
                    certificate-file: \(certificate.chain)
                    key-file: \(certificate.key)
                    minimum-version: TLSv1.2
            """
        var text = try String(contentsOfFile: try ThisProcess.benchFile("peers/\(name)"), encoding: .utf8)
        if isCleartext {
            text = text.split(separator: "\n").filter { !$0.contains("ssl_cert") }.joined(separator: "\n")
        }
        for (key, value) in [
            "DIRECTORY": directory, "FILES": "\(directory)/files", "PORT": String(port), "CACHING": ServedSite.caching,
            "CERTIFICATE": certificate.chain, "KEY": certificate.key, "SSL": isCleartext ? "" : "ssl",
            "TLS": isCleartext ? "" : tls,
        ] {
            text = text.replacing("@\(key)@", with: value)
        }
        let path = "\(directory)/\(name)"
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// Every server must answer with the very bytes of the ranges.
    private func check(_ server: ServerProcess) throws {
        for range in ranges {
            let copy = "\(directory)/answer"
            let http2 = isCleartext ? "--http2-prior-knowledge" : "--http2"
            let url = url(server.port, range.path)
            try Command.run(["curl", "--silent", "--show-error", "--fail", "--insecure", http2, "--output", copy, url])
            guard try [UInt8](Data(contentsOf: URL(fileURLWithPath: copy))) == range.bytes else {
                throw BenchError("\(url) has other bytes than were published")
            }
        }
    }
}
