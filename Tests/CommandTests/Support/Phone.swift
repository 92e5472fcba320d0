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

    /// - Parameter keys: each was seen once, in the first interval of its use.
    init(_ name: String, meeting keys: [DiagnosisKey], of cluster: Cluster) throws {
        self.cluster = cluster
        store = cluster.scratch.file(name)
        var text = "time,identifier,attenuation\n"
        for key in keys.sorted(by: { $0.metadata.rollingStart < $1.metadata.rollingStart }) {
            let identifier = RollingProximityKey(key: key.data).identifier(at: key.metadata.rollingStart)
            let hexadecimal = identifier.bytes.map { String(format: "%02x", $0) }.joined()
            text += "\(key.metadata.rollingStart.unixSeconds + 60),\(hexadecimal),50\n"
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

    /// What the phone tells its owner.
    func match() async throws -> ExposureReport {
        let outcome = try await run("match", ["--encounters", sightings])
        guard outcome.status == 0 else { throw TestFailure(outcome.errors) }
        return try JSONDecoder().decode(MatchResult.self, from: Data(outcome.output.utf8)).report
    }

    private func run(_ command: String, _ options: [String], asOf: String? = nil) async throws -> Keytide.Outcome {
        let time = (asOf ?? cluster.asOf).map { ["--as-of", $0] } ?? []
        return try await Keytide.run(
            ["device", command, "--json", "--store", store] + time + options,
            in: cluster.scratch
        )
    }
}
