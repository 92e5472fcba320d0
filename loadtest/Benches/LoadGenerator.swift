import Foundation

/// h2load, confined to one core.
struct LoadGenerator {
    let core: Int
    let url: String

    /// Sends so many requests, and fails unless each was answered with as many bytes as it should.
    func send(_ requests: Int, connections: Int, streams: Int, bodyBytes: Int) throws {
        let output = try Command.run([
            "taskset", "-c", String(core), "h2load", "-n", String(requests), "-c", String(connections), "-m",
            String(streams), "--tls13-ciphers=TLS_AES_128_GCM_SHA256", url,
        ])
        try LoadReport(output).check(requests: requests, bytes: requests * bodyBytes, isTLS: url.hasPrefix("https"))
    }
}

/// What h2load printed.
struct LoadReport {
    private(set) var succeeded = 0
    private(set) var bodyBytes = 0
    private(set) var cipher: Substring?

    init(_ text: String) throws {
        for line in text.split(separator: "\n") {
            if line.hasPrefix("status codes:") {
                succeeded = try LoadReport.number(before: " 2xx", in: line)
            } else if line.hasPrefix("traffic:") {
                bodyBytes = try LoadReport.number(before: ") data", in: line)
            } else if line.hasPrefix("Cipher: ") {
                cipher = line.dropFirst("Cipher: ".count)
            }
        }
    }

    func check(requests: Int, bytes: Int, isTLS: Bool) throws {
        guard succeeded == requests, bodyBytes == bytes else {
            throw BenchError("h2load had \(succeeded) of \(requests) answers and \(bodyBytes) of \(bytes) bytes")
        }
        guard !isTLS || cipher == "TLS_AES_128_GCM_SHA256" else {
            throw BenchError("TLS was to use TLS_AES_128_GCM_SHA256 and used \(cipher ?? "nothing")")
        }
    }

    /// The digits that end where `mark` begins.
    private static func number(before mark: String, in line: Substring) throws -> Int {
        guard let end = line.range(of: mark)?.lowerBound,
            let number = Int(String(line[..<end].reversed().prefix { $0.isNumber }.reversed()))
        else { throw BenchError("h2load printed \"\(line)\", without a number before \"\(mark)\"") }
        return number
    }
}
