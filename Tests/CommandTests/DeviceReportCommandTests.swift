import ClientSync
import ExposureKeys
import Foundation
import Testing
import TestSupport

/// A warning, and how it is taken back, as the owner of a phone sees it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DeviceReportCommandTests {
    private struct Told: Decodable {
        var days: [ExposureDay]
        var lapsed: [LapsedWarning]
    }

    private func told(_ phone: Phone) async throws -> Told {
        try JSONDecoder().decode(Told.self, from: Data(try await phone.told().utf8))
    }

    /// Of the last week: a warning of a day whose keys end lapses without a word.
    private func recentKey(of archive: Archives.Archive) throws -> DiagnosisKey {
        let earliest = Interval(unixSeconds: Archives.time).advanced(by: -7 * Interval.perDay)
        let key = archive.keys.first { key in
            key.metadata.reportType == .confirmed && key.metadata.rollingPeriod > 6
                && key.metadata.rollingStart >= earliest
        }
        return try #require(key)
    }

    @Test func aRevokedTestTakesItsWarningBack() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-48", "VN-01"] { try await cluster.start(region) }
            let archive = try cluster.archives.make("archive.zip", patients: 20)
            _ = try await cluster.import("VN-01", archive.path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            let key = try recentKey(of: archive)
            let phone = try Phone("phone", meeting: [key], at: [0, 290, 580, 870, 1160], of: cluster)
            #expect(try await phone.sync(port: cluster.basePort + 2).upToDate)
            let before = try await phone.match()
            // 1160 s at 175 %.
            #expect(before.days.map(\.isContact) == [true] && before.days.map(\.scoreSum) == [2030])
            #expect(try await phone.words("en").hasPrefix("Contact on 1 day"))
            #expect(try await phone.words("vi").hasPrefix("Phát hiện tiếp xúc vào 1 ngày"))
            let json = try await phone.told()
            #expect(!json.contains("exposures") && !json.contains("VN-01"))

            let revoked = try cluster.archives.revoke("revoked.zip", [key])
            _ = try await cluster.import("VN-01", revoked.path)
            #expect(try await cluster.converge("VN-01", "VN-48"))
            #expect(try await phone.sync(port: cluster.basePort + 2).upToDate)
            for _ in 0..<2 {
                let after = try await phone.match()
                #expect(after.days.isEmpty && after.matchedKeys == 0)
                let kept = try await told(phone)
                #expect(kept.days.isEmpty && kept.lapsed.map(\.reason) == [.withdrawn])
                #expect(kept.lapsed.map(\.day) == before.days.map(\.day))
                #expect(
                    try await phone.words("en").contains(
                        "no longer stands: the report of an infection has been withdrawn"
                    )
                )
                #expect(try await phone.words("vi").contains("báo cáo ca nhiễm đã được rút lại"))
            }
        }
    }

    /// A phone is warned, then has no network. What it says days and weeks later is no good news, and the warning is not
    /// gone; nor is a node that was cut off believed.
    @Test func noNewsIsNotToldAsGoodNews() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-48", "VN-01"] { try await cluster.start(region) }
            let archive = try cluster.archives.make("archive.zip", patients: 20)
            _ = try await cluster.import("VN-01", archive.path)
            let phone = try Phone("phone", meeting: [try recentKey(of: archive)], at: [0, 290, 580, 870], of: cluster)
            let strange = try Phone("stranger", meeting: [], of: cluster)
            for each in [phone, strange] { #expect(try await each.sync(port: cluster.basePort).upToDate) }
            #expect(try await phone.match().days.map(\.isContact) == [true])
            func run(_ command: String, days: Int64, _ options: String...) async throws -> Keytide.Outcome {
                let store = ["--store", cluster.scratch.file("phone"), "--as-of", "\(Archives.time + days * 86_400)"]
                return try await Keytide.run(["device", command] + store + options, in: cluster.scratch)
            }
            // Read three days later without matching again, then matched.
            for command in ["report", "match"] {
                let outcome = try await run(command, days: 3, command == "report" ? "--language=en" : "--json")
                #expect(outcome.status == 3, "\(command): \(outcome.errors)")
            }
            let stale = try await run("report", days: 3, "--language", "en")
            #expect(stale.output.hasPrefix("Nothing can be said of the time since"))
            #expect(stale.output.contains("Contact on 1 day") && stale.output.contains("Keys were fetched until"))
            let match = try await run("match", days: 20)
            #expect(match.status == 3 && match.errors.contains("THE PHONE KNOWS NOTHING: keys were fetched until"))
            for language in ["en", "vi"] {
                let report = try await run("report", days: 63, "--language", language)
                let (nothing, warned) =
                    language == "en"
                    ? ("This phone knows nothing", "A warning was given for")
                    : ("Máy này không biết gì", "Đã có cảnh báo cho ngày")
                #expect(report.status == 3 && report.output.hasPrefix(nothing) && report.output.contains(warned))
                #expect(!report.output.contains("No contact") && !report.output.contains("Không phát hiện"))
            }
            let json = try await run("report", days: 63, "--json")
            #expect(json.output.contains("\"standing\":\"unknown\"") && json.output.contains("\"unchecked\""))
            // The node's index is three days old by this phone's clock.
            let late = try await strange.sync(port: cluster.basePort, asOf: "\(Archives.time + 3 * 86_400)")
            #expect(!late.upToDate)
        }
    }

    @Test func anotherConfigurationDecidesAndABadOneIsRefused() async throws {
        try await Cluster.with("VN-01", "VN-48") { cluster in
            for region in ["VN-48", "VN-01"] { try await cluster.start(region) }
            let archive = try cluster.archives.make("archive.zip", patients: 20)
            _ = try await cluster.import("VN-01", archive.path)
            let key = try recentKey(of: archive)
            let phone = try Phone("phone", meeting: [key], at: [0, 290, 580], of: cluster)
            #expect(try await phone.sync(port: cluster.basePort).upToDate)
            #expect(try await phone.match().days.map(\.isContact) == [true])
            let strict = try JSONEncoder().encode(try RiskConfiguration(minimumDailyScore: 1016))
            let path = try cluster.scratch.write(strict, "strict.json")
            #expect(try await phone.match(configuration: path).status == 0)
            #expect(try await told(phone).days.map(\.isContact) == [false])
            for (name, bytes, reason) in [
                (
                    "weight.json",
                    String(decoding: strict, as: UTF8.self).replacingOccurrences(of: "175", with: "1750"), "250"
                ),
                ("form.json", "[]", "docs/RISK.md"),
                ("long.json", String(repeating: " ", count: 16_385), "16384 bytes"),
                ("empty.json", "", "RISK.md"),
            ] {
                let outcome = try await phone.match(configuration: try cluster.scratch.write(bytes.utf8, name))
                #expect(outcome.status == 1 && outcome.errors.contains(reason), "\(name): \(outcome.errors)")
            }
            #expect(
                try await phone.match(configuration: cluster.scratch.file("none")).errors.contains("cannot be read")
            )
            #expect(try await told(phone).days.map(\.isContact) == [false])
        }
    }
}
