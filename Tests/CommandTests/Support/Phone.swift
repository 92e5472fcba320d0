import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation
import TestSupport

/// A phone, run by `keytide device`, that has met the people behind some keys.
struct Phone {
    private let cluster: Cluster
    private let store: String
    private let sightings: String

    struct SyncResult: Decodable {
        struct Feed: Decodable {
            var feed: String
            var size: UInt64
            var state: String
        }
        struct Found: Decodable { var kind: String }
        var upToDate: Bool
        var feeds: [Feed]
        var problems: [String]
        var evidence: [Found]
    }

    private struct MatchResult: Decodable {
        var report: ExposureReport
    }

    /// - Parameters:
    ///   - keys: each was seen in the first intervals of its use.
    ///   - seconds: since the begin of its use; once, unless told otherwise.
    init(_ name: String, meeting keys: [DiagnosisKey], at seconds: [Int64] = [60], of cluster: Cluster) throws {
        self.cluster = cluster
        store = cluster.scratch.file(name)
        var text = "time,identifier,attenuation\n"
        for key in keys.sorted(by: { $0.metadata.rollingStart < $1.metadata.rollingStart }) {
            for second in seconds {
                let time = key.metadata.rollingStart.unixSeconds + second
                let identifier = RollingProximityKey(key: key.data).identifier(at: Interval(unixSeconds: time))
                let hexadecimal = identifier.bytes.map { String(format: "%02x", $0) }.joined()
                text += "\(time),\(hexadecimal),50\n"
            }
        }
        sightings = try cluster.scratch.write(text.utf8, "\(name).csv")
    }

    /// - Parameter asOf: where the phone's clock begins, if not where the cluster's do.
    func sync(port: Int, asOf: String? = nil) async throws -> SyncResult {
        let outcome = try await run(
            "sync",
            ["--node", "https://127.0.0.1:\(port)", "--ca", cluster.path("tls.pem")]
                + ["--authorities", cluster.path("authorities")],
            asOf: asOf
        )
        guard let result = try? JSONDecoder().decode(SyncResult.self, from: Data(outcome.output.utf8)) else {
            throw TestFailure("the sync ended with \(outcome.status): \(outcome.errors)")
        }
        return result
    }

    /// The store's file, byte for byte. The write-ahead log is in it once the program has ended.
    func storeContent() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: store)) }

    /// What matching finds.
    func match() async throws -> ExposureReport {
        let outcome = try await run("match", ["--encounters", sightings])
        guard outcome.status == 0 else { throw TestFailure(outcome.errors) }
        return try JSONDecoder().decode(MatchResult.self, from: Data(outcome.output.utf8)).report
    }

    /// How a matching with another risk configuration ends.
    func match(configuration path: String) async throws -> Keytide.Outcome {
        try await run("match", ["--configuration", path])
    }

    /// What the phone tells its owner in words.
    func words(_ language: String) async throws -> String {
        let outcome = try await Keytide.run(
            ["device", "report", "--store", store, "--language", language],
            in: cluster.scratch
        )
        guard outcome.status == 0 else { throw TestFailure(outcome.errors) }
        return outcome.output
    }

    /// What it tells programs.
    func told() async throws -> String {
        try await Keytide.run(["device", "report", "--store", store, "--json"], in: cluster.scratch).output
    }

    private func run(_ command: String, _ options: [String], asOf: String? = nil) async throws -> Keytide.Outcome {
        let time = (asOf ?? cluster.asOf).map { ["--as-of", $0] } ?? []
        return try await Keytide.run(
            ["device", command, "--json", "--store", store] + time + options,
            in: cluster.scratch
        )
    }
}
