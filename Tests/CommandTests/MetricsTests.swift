import Foundation
import HTTP2
import RegionalNode
import Testing
import TestSupport

/// What a monitor reads from a real node, and what the operator sees.
@Suite(.serialized, .timeLimit(.minutes(1))) struct MetricsTests {
    @Test func promtoolAcceptsEverythingAndLabelsAreRoutesAndRegions() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            try await cluster.start("VN-48")
            let archive = try cluster.archives.make("a.zip", patients: 10)
            _ = try await cluster.import("VN-01", archive.path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let isMeasured = try await eventually {
                try await cluster.status("VN-01").neighbours.allSatisfy { $0.roundTrip != nil }
            }
            #expect(isMeasured)
            let text = try await metrics(of: 0, in: cluster)

            let lint = try await shell("promtool check metrics < \(cluster.scratch.write(text.utf8, "m"))", cluster)
            #expect(lint.status == 0)
            #expect(lint.output.isEmpty && lint.errors.isEmpty, "\(lint.output)\(lint.errors)")

            let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            let names = Set(samples.map { $0.prefix { $0 != "{" && $0 != " " } })
            // With one neighbour a clock is compared with nobody's.
            for name in MetricName.allCases where name != .answerTime && name != .clockDifference {
                #expect(names.contains(name.rawValue[...]), "\(name.rawValue) is not shown")
            }
            for limit in TransportLimit.allCases {
                #expect(names.contains("keytide_limit_\(limit.rawValue)_total"), "\(limit)")
            }
            for label in samples.flatMap({ $0.matches(of: /([a-z_]+)="/).map(\.1) }) {
                #expect(["route", "region", "le"].contains(label), "\(label)")
            }
            func value(_ series: String) -> Double? {
                samples.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
            }
            #expect(value("keytide_published_keys_total") == Double(archive.keys.count))
            #expect(value("keytide_imported_keys_total") == Double(archive.keys.count))
            #expect(value("keytide_region_feeds{region=\"VN-01\"}") == 1)
            #expect(value("keytide_region_feeds{region=\"VN-48\"}") == 0)
            #expect(value("keytide_link_up{region=\"VN-48\"}") == 1)
            #expect(try #require(value("keytide_neighbour_round_trip_seconds{region=\"VN-48\"}")) > 0)
            let table = try await Keytide.run("status", "--socket", cluster.socket("VN-01"), in: cluster.scratch)
            #expect(table.output.contains("round trip") && table.output.contains(" ms"))
            #expect(value("keytide_healthy") == 1)
            #expect(try #require(value("keytide_store_bytes")) > 4096)
            #expect(try #require(value("keytide_disk_free_bytes")) > 0)
            #expect(try #require(value("process_resident_memory_bytes")) > 1_000_000)
            let started = try #require(value("process_start_time_seconds"))
            #expect(abs(started - Date().timeIntervalSince1970) < 120)
            #expect(try await cluster.stop("VN-01") == 0)
        }
    }

    @Test func requestsAreCountedByRoute() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            func count(_ series: String) async throws -> Double {
                let lines = try await metrics(of: 0, in: cluster).split(separator: "\n")
                let line = lines.first { $0.hasPrefix(series + " ") }
                return line.flatMap { Double($0.dropFirst(series.count + 1)) } ?? 0
            }
            let node = "https://127.0.0.1:\(cluster.basePort)"
            let index = "curl -sk -o /dev/null -D - \(node)/v1/index"
            let before = try await count("keytide_http_requests_total{route=\"index\"}")
            let tag = try await shell(index + " | tr -d '\\r' | sed -n 's/^etag: //p'", cluster).output
            _ = try await shell(index + " -H 'if-none-match: \(tag.trimmingCharacters(in: .newlines))'", cluster)
            _ = try await shell("curl -sk \(node)/v1/feeds/VN-01/0000000000000000/0/0", cluster)
            _ = try await shell("curl -sk '\(node)/not/a/route?secret=1'", cluster)
            #expect(try await count("keytide_http_requests_total{route=\"index\"}") == before + 2)
            #expect(try await count("keytide_http_not_modified_total{route=\"index\"}") == 1)
            #expect(try await count("keytide_http_client_errors_total{route=\"range\"}") == 1)
            #expect(try await count("keytide_http_client_errors_total{route=\"other\"}") == 1)
            #expect(try await count("keytide_http_response_bytes_total{route=\"index\"}") > 100)
            #expect(try await !metrics(of: 0, in: cluster).contains("secret"))
        }
    }

    @Test func onlyTheMetricsAreOnTheirListener() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let monitor = "http://127.0.0.1:\(cluster.basePort + 2)"
            for path in ["/", "/v1/index", "/v1/admin/status", "/v1/link", "/metrics/", "/metrics?a"] {
                let status = try await shell("curl -s -o /dev/null -w '%{http_code}' '\(monitor)\(path)'", cluster)
                #expect(status.output == "404", "\(path)")
            }
            let post = try await shell("curl -s -o /dev/null -w '%{http_code}' -X POST \(monitor)/metrics", cluster)
            #expect(post.output == "405")
            // And not on the public one.
            let open = "https://127.0.0.1:\(cluster.basePort)/metrics"
            #expect(try await shell("curl -sk -o /dev/null -w '%{http_code}' \(open)", cluster).output == "404")
        }
    }

    @Test func statusShowsTheWholeNode() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 10)
            _ = try await cluster.import("VN-01", archive.path)
            let table = try await Keytide.run("status", "--socket", cluster.socket("VN-01"), in: cluster.scratch)
            #expect(table.status == 0)
            for word in [
                "roster", "version 1", "store", "free on its disk", "neighbour", "VN-48", "down", "last published",
            ] {
                #expect(table.output.contains(word), "\(word) in \(table.output)")
            }
            let status = try await cluster.status("VN-01")
            #expect(status.neighbours.map(\.region) == ["VN-48"])
            #expect(status.neighbours.allSatisfy { !$0.isLinked })
            #expect(status.storeBytes > 4096)
            #expect(status.rosterVersion == 1)
        }
    }

    /// - Parameter position: of the node in its cluster, whose metrics ports follow all others.
    private func metrics(of position: Int, in cluster: Cluster) async throws -> String {
        let port = cluster.basePort + 2 * cluster.regions.count + position
        return try await shell("curl -s http://127.0.0.1:\(port)/metrics", cluster).output
    }

    private func shell(_ line: String, _ cluster: Cluster) async throws -> Keytide.Outcome {
        let child = try Child(["/bin/sh", "-c", line], in: cluster.scratch)
        defer { child.kill() }
        let status = try #require(try await child.end(within: 20), "\(line)")
        return Keytide.Outcome(status: status, output: child.output, errors: child.errors)
    }
}
