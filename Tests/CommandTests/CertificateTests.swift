import Foundation
import RegionalNode
import TestSupport
import Testing

/// A node's certificates: from the command line, and exchanged while it runs.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CertificateTests {
    /// The curl of one request to the public listener, believing the certificate in `file`.
    private func health(_ cluster: Cluster, trusting file: String) async throws -> String {
        let command = [
            "/usr/bin/curl", "-sS", "--cacert", file, "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
            "https://localhost:\(cluster.basePort)/healthz",
        ]
        let child = try Child(command, in: cluster.scratch)
        defer { child.kill() }
        guard try await child.end(within: 20) != nil else { throw TestFailure("curl did not end") }
        return child.output
    }

    private func replace(_ cluster: Cluster, _ name: String, _ bytes: [UInt8]) throws {
        let path = cluster.path(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path + ".new"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".new")
        guard rename(path + ".new", path) == 0 else { throw TestFailure("\(path) cannot be replaced") }
    }

    @Test func aClusterSpeaksTLSAndItsCertificatesAreExchangedOnSIGHUP() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let node = try cluster.node("VN-01")
            #expect(try await health(cluster, trusting: cluster.path("tls.pem")) == "200 2")
            let now = TestCertificate.now
            let fresh = try TestCertificate("localhost", validity: (now - 86_400)...(now + 100 * 86_400))
            let file = try cluster.scratch.write(fresh.certificatePEM, "fresh.pem")
            // The certificate first: until the key is there too, the former pair stays.
            try replace(cluster, "tls.pem", fresh.certificatePEM)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await health(cluster, trusting: file) != "200 2")
            try replace(cluster, "tls.key", fresh.keyPEM)
            node.signal(SIGHUP)
            #expect(try await eventually { try await health(cluster, trusting: file) == "200 2" })
            #expect(node.isRunning)
            #expect(try await eventually { node.errors.contains("certificate replaced") })
            // The look every five seconds may have come between the two files: that alarm is over.
            #expect(
                try await cluster.status("VN-01").alarms.allSatisfy {
                    $0.ended != nil && $0.what.contains("a new certificate was refused")
                }
            )
        }
    }

    @Test func aBadPairIsRefusedWithAnAlarmAndTheFormerOneStays() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let node = try cluster.node("VN-01")
            let former = try cluster.scratch.write(
                Data(contentsOf: URL(fileURLWithPath: cluster.path("tls.pem"))),
                "former.pem"
            )
            try replace(cluster, "tls.key", try TestCertificate("localhost").keyPEM)
            node.signal(SIGHUP)
            #expect(try await eventually { try await !cluster.status("VN-01").alarms.isEmpty })
            let alarm = "\(try await cluster.status("VN-01").alarms)"
            #expect(alarm.contains("the former one stays in use") && alarm.contains("is not the key of"), "\(alarm)")
            #expect(try await health(cluster, trusting: former) == "200 2")
        }
    }

    /// The other node must know the certificate that is shown: one of another region is refused when it is put there.
    @Test func aPeerCertificateThatTheRosterDoesNotNameIsRefused() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-01", "VN-48"] { try await cluster.start(region) }
            #expect(try await eventually { try await cluster.status("VN-01").links == ["VN-48"] })
            for name in ["peer.pem", "peer.key"] {
                let other = try Data(contentsOf: URL(fileURLWithPath: cluster.path("VN-48.\(name)")))
                try replace(cluster, "VN-01.\(name)", Array(other))
            }
            try cluster.node("VN-01").signal(SIGHUP)
            #expect(try await eventually { try await !cluster.status("VN-01").alarms.isEmpty })
            let alarm = "\(try await cluster.status("VN-01").alarms)"
            #expect(alarm.contains("peers.certificate") && alarm.contains("VN-01"), "\(alarm)")
            #expect(try await cluster.status("VN-01").links == ["VN-48"])
        }
    }

    @Test func aClusterInCleartextIsMadeOnDemand() async throws {
        try await Cluster.with("VN-01", "VN-48", options: ["--cleartext"]) { cluster in
            for region in ["VN-01", "VN-48"] { try await cluster.start(region) }
            #expect(try await eventually { try await cluster.status("VN-01").links == ["VN-48"] })
            #expect(!FileManager.default.fileExists(atPath: cluster.path("tls.pem")))
        }
    }

    @Test func aPhoneSyncsOverTLSAndBelievesNoOtherCertificate() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let other = try cluster.scratch.write(try TestCertificate("localhost").certificatePEM, "other.pem")
            func sync(_ file: String, _ host: String) async throws -> Keytide.Outcome {
                try await Keytide.run(
                    "device",
                    "sync",
                    "--store",
                    cluster.scratch.file("phone"),
                    "--node",
                    "https://\(host):\(cluster.basePort)",
                    "--ca",
                    file,
                    "--authorities",
                    cluster.path("authorities"),
                    "--as-of",
                    Archives.timeText,
                    in: cluster.scratch
                )
            }
            for host in ["127.0.0.1", "localhost"] {
                let good = try await sync(cluster.path("tls.pem"), host)
                #expect(good.status == 0, "\(good.errors)")
            }
            let bad = try await sync(other, "localhost")
            #expect(bad.status == 1)
            #expect(bad.errors.contains("no TLS connection"), "\(bad.errors)")
        }
    }
}
