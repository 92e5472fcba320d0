import ClientSync
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode
import Testing
import TestSupport

/// A signing key in wrong hands, from the theft to the day after, with real nodes, authorities and a phone: what an
/// operator does by docs/OPERATIONS.md, "A stolen key".
@Suite(.serialized, .timeLimit(.minutes(3))) struct StolenKeyTests {
    private static let regions = ["VN-01", "VN-48", "VN-79"]

    /// What the region publishes, and what the thief does.
    private struct Publications {
        let genuine: [Archives.Archive]
        /// Published after the theft, so nobody vouches for it.
        let doubtful: Archives.Archive
        let forged: Archives.Archive
        /// Published under the next key.
        let later: Archives.Archive

        init(_ archives: Archives) throws {
            genuine = try (0..<2).map { try archives.make("genuine-\($0).zip", patients: 5) }
            doubtful = try archives.make("doubtful.zip", patients: 5)
            forged = try archives.make("forged.zip", patients: 5)
            later = try archives.make("later.zip", patients: 5)
        }

        /// Two keys of each.
        var met: [DiagnosisKey] { (genuine + [doubtful, forged, later]).flatMap { $0.keys.prefix(2) } }
    }

    private func expectMatch(_ phone: Phone, at port: Int, keys: Int) async throws {
        let sync = try await phone.sync(port: port)
        #expect(sync.upToDate && sync.evidence.isEmpty, "\(sync.problems)")
        #expect(try await phone.match().matchedKeys == keys)
    }

    private func feed(_ imported: (reports: [ImportLine], outcome: Keytide.Outcome)) throws -> String {
        try #require(imported.reports.last?.report?.feed, "\(imported.outcome.errors)")
    }

    @Test func aStolenKeyIsClosedAndTheRegionGoesOn() async throws {
        try await SignedCluster.with("VN-01", "VN-48", "VN-79") { country in
            let cluster = country.cluster
            let archives = try Publications(cluster.archives)
            _ = try await cluster.import("VN-01", archives.genuine[0].path, archives.genuine[1].path)
            try await cluster.startCopy(of: "VN-01", as: "thief")
            let stolen = try feed(try await cluster.import("thief", archives.forged.path))
            let own = try feed(try await cluster.import("VN-01", archives.doubtful.path))
            for region in Self.regions {
                #expect(try await eventually { try await country.feeds(region) == [own: 3, stolen: 1] })
            }
            let phone = try Phone("phone", meeting: archives.met, of: cluster)
            try await expectMatch(phone, at: country.port("VN-79"), keys: 8)

            try await close(country, own: own, stolen: stolen)
            // What stands is served everywhere, all else nowhere, and the nodes say so.
            for region in Self.regions {
                #expect(try await eventually { try await country.feeds(region) == [own: 2] })
                #expect(try await eventually { try await country.answer(region, "/v1/feeds/\(stolen)/0/0") == "404" })
                #expect(try await country.answer(region, "/v1/feeds/\(own)/0/2") == "404")
                #expect(try await country.answer(region, "/v1/feeds/\(own)/0/1") == "200")
                #expect(try await cluster.status(region).lags.isEmpty)
            }
            let alarms = try await cluster.alarms("VN-48", "VN-79")
            #expect(alarms == [])
            #expect(
                try await eventually { try await cluster.alarms("VN-01").contains { $0.contains("key is closed") } }
            )
            let refused = try await cluster.import("VN-01", archives.later.path)
            #expect(refused.outcome.status == 1 && refused.reports.first?.error?.contains("setting 'key'") == true)
            try await expectMatch(phone, at: country.port("VN-79"), keys: 4)

            try await goOn(country, archives, own: own)
            try await expectMatch(phone, at: country.port("VN-48"), keys: 8)
            // A phone that comes new to a node that slept through it all, and one that was there.
            let other = try Phone("other", meeting: archives.met, of: cluster)
            for port in [country.port("VN-79"), country.port("VN-01")] {
                try await expectMatch(other, at: port, keys: 8)
            }
        }
    }

    /// The operator says what is genuine, asks for another key, and the authorities close the stolen one.
    private func close(_ country: SignedCluster, own: String, stolen: String) async throws {
        let (cluster, authorities) = (country.cluster, country.authorities)
        let choice = ["roster", "standing", "--socket", cluster.socket("VN-48"), "--close", "VN-01"]
        let shown = try await authorities.run(choice)
        let epochs = [own, stolen].map { String($0.dropFirst("VN-01/".count)) }
        #expect(epochs.allSatisfy { shown.output.contains($0) }, "\(shown.output)\(shown.errors)")
        let genuine = try await authorities.run(choice + ["--epoch", "\(epochs[0]):2"])
        #expect(genuine.output.hasPrefix("\(epochs[0]):2:") && !genuine.output.contains(epochs[1]))
        try cluster.scratch.write(genuine.output.utf8, "standing")
        let tooMany = try await authorities.run(choice + ["--epoch", "\(epochs[0]):4"])
        #expect(tooMany.status == 1 && tooMany.errors.contains("has 3 batches here"))

        let rotated = try await authorities.run([
            "region", "rotate", cluster.scratch.file("VN-01"), cluster.scratch.file("next"),
        ])
        #expect(rotated.status == 0, "\(rotated.errors)")
        let drafted = try await authorities.make(
            "v2",
            after: "roster",
            ["--close", "VN-01", "--standing", cluster.scratch.file("standing")] + authorities.request("next")
        )
        #expect(drafted.contains("KEY CLOSED") && drafted.contains("epoch \(epochs[0]), 2 batches"), "\(drafted)")
        #expect(try await country.install("v2", at: "VN-48", version: 2, reaching: Self.regions + ["thief"]))
    }

    /// The region's node gets its new key and publishes again what fell; one node starts under the roster that it kept.
    private func goOn(_ country: SignedCluster, _ archives: Publications, own: String) async throws {
        let cluster = country.cluster
        #expect(try await cluster.stop("VN-01") == 0)
        try country.writeSettings("VN-01", keysIn: "next")
        try await cluster.start("VN-01")
        let paths = archives.genuine.map(\.path)
        let again = try await cluster.import("VN-01", paths[0], paths[1], archives.doubtful.path, archives.later.path)
        #expect(
            again.reports.map { $0.report?.published } == [
                0, 0, archives.doubtful.keys.count, archives.later.keys.count,
            ]
        )
        let next = try feed(again)
        cluster.kill("VN-79")
        try await cluster.start("VN-79")
        #expect(try await cluster.status("VN-79").rosterVersion == 2)
        #expect(try await cluster.import("thief", archives.forged.path).outcome.status == 1)
        #expect(try await cluster.converge("VN-01", "VN-48", "VN-79"))
        for region in Self.regions {
            #expect(try await country.feeds(region) == [own: 2, next: 2])
            let alarms = try await cluster.alarms(region)
            #expect(alarms == [])
        }
    }
}
