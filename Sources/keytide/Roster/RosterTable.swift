import Crypto
import ExposureKeys
import FeedFormat
import Foundation

/// Rosters as people read them.
enum RosterTable {
    static func show(_ roster: Roster) {
        Output.line(name(roster))
        let regions = roster.regions.count.counted("region")
        Output.line("issued \(time(roster.issued)), expires \(time(roster.expires)), \(regions)")
        Output.table(
            [["region", "name", "operator", "keys", "certificates", "closed", "successor", "nodes"]]
                + roster.regions.map { region in
                    [
                        region.id.code, region.vietnameseName, region.operatorName, "\(region.keys.count)",
                        "\(region.certificates.count)", "\(region.closures.count)", region.successor?.code ?? "-",
                        region.peerEndpoint,
                    ]
                }
        )
    }

    /// Keys, certificates and what is closed of each region, with their times and what is compared by telephone.
    static func showDetails(_ roster: Roster) {
        for region in roster.regions {
            Output.line("\(region.id)  public \(region.publicEndpoint)")
            for key in region.keys {
                Output.line("  key \(text(key))")
            }
            for one in region.certificates { Output.line("  certificate \(text(one))") }
            for closure in region.closures {
                Output.line("  closed \(closure.key.text)")
                Output.line("    fingerprint \(fingerprint(closure.key))")
                for one in closure.standing {
                    Output.line("    stands: epoch \(one.epoch), \(one.size) batches, root \(one.root.hexadecimal)")
                }
            }
        }
    }

    /// SHA-256 of the 32 bytes of a public key, hexadecimal: short enough to be read aloud.
    static func fingerprint(_ key: NoteVerifier) -> String {
        SHA256.hash(data: key.publicKey).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Which roster it is, for people.
    static func name(_ roster: Roster) -> String { "roster version \(roster.version), hash \(roster.hash.hexadecimal)" }

    /// Which roster it is, for `keytide roster sign --yes`.
    static func shortName(_ roster: Roster) -> String { "\(roster.version)-\(roster.hash.hexadecimal)" }

    /// What a roster changes about another, one line each.
    static func changes(from old: Roster?, to new: Roster) -> [[String]] {
        var rows: [[String]] = []
        for region in new.regions {
            guard let before = old?.region(region.id) else {
                rows.append([region.id.code, "added", "\(region.vietnameseName) (\(region.englishName))"])
                rows.append([region.id.code, "operator", region.operatorName])
                rows.append([region.id.code, "addresses", "\(region.publicEndpoint) \(region.peerEndpoint)"])
                for key in region.keys { rows.append([region.id.code, "key added", text(key)]) }
                for one in region.certificates { rows.append([region.id.code, "certificate added", text(one)]) }
                continue
            }
            rows += differences(before, region)
        }
        for region in old?.regions ?? [] where new.region(region.id) == nil {
            rows.append([region.id.code, "left out", region.vietnameseName])
        }
        return rows
    }

    private static func differences(_ old: RosterRegion, _ new: RosterRegion) -> [[String]] {
        var rows: [[String]] = []
        func row(_ what: String, _ text: String) { rows.append([new.id.code, what, text]) }
        for (what, before, after) in [
            ("name", "\(old.vietnameseName) (\(old.englishName))", "\(new.vietnameseName) (\(new.englishName))"),
            ("operator", old.operatorName, new.operatorName), ("public", old.publicEndpoint, new.publicEndpoint),
            ("peer", old.peerEndpoint, new.peerEndpoint),
        ] where before != after {
            row(what, "\(before) -> \(after)")
        }
        for key in new.keys {
            guard let before = old.keys.first(where: { $0.verifier == key.verifier }) else {
                row("key added", text(key))
                continue
            }
            if before != key {
                row("key ends", "\(key.verifier.text) \(time(before.notAfter)) -> \(time(key.notAfter))")
            }
        }
        for key in old.keys where !new.keys.contains(where: { $0.verifier == key.verifier }) {
            row("key removed", text(key))
        }
        for closure in new.closures where !old.closures.contains(closure) {
            row("KEY CLOSED", "\(closure.key.text), fingerprint \(fingerprint(closure.key))")
            for one in closure.standing {
                row("stands", "epoch \(one.epoch), \(one.size.counted("batch")), root \(one.root.hexadecimal)")
            }
        }
        for closure in old.closures where new.closure(of: closure.key) == nil { row("closure ends", closure.key.text) }
        for one in new.certificates {
            guard let before = old.certificates.first(where: { $0.hash == one.hash }) else {
                row("certificate added", text(one))
                continue
            }
            if before != one {
                row("certificate ends", "\(one.hash.hexadecimal) \(time(before.notAfter)) -> \(time(one.notAfter))")
            }
        }
        for one in old.certificates where !new.certificates.contains(where: { $0.hash == one.hash }) {
            row("certificate removed", text(one))
        }
        if old.successor != new.successor { row("RETIRED", "into \(new.successor?.code ?? "nothing: it goes on")") }
        return rows
    }

    static func printChanges(from old: Roster?, to new: Roster) {
        let rows = changes(from: old, to: new)
        if rows.isEmpty { return Output.line("no region changes; version and expiry do") }
        // One line each, ragged on the right: keys are long.
        let widths = (0...1).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            Output.line((cells + [row[2]]).joined(separator: "  "))
        }
    }

    private static func text(_ key: RosterRegion.Key) -> String {
        "\(key.verifier.text), fingerprint \(fingerprint(key.verifier)), \(time(key.notBefore)) to \(time(key.notAfter))"
    }

    private static func text(_ certificate: RosterRegion.Certificate) -> String {
        "\(certificate.hash.hexadecimal), \(time(certificate.notBefore)) to \(time(certificate.notAfter))"
    }

    /// A time in UTC.
    static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

/// A roster for `--json`.
struct RosterResult: Encodable {
    struct Entry: Encodable {
        var region: String
        var vi: String
        var en: String
        var `operator`: String
        var keys: [String]
        var certificates: [String]
        var closed: [String]
        var `public`: String
        var peer: String
        var successor: String?
    }

    var version: UInt64
    var hash: String
    var issued: Int64
    var expires: Int64
    /// Signatures of authorities that verify, and how many are needed; nil if no authorities were given.
    var signatures: Int?
    var threshold: Int?
    var regions: [Entry]

    init(_ roster: Roster, signatures: Int?, threshold: Int?) {
        version = roster.version
        hash = roster.hash.hexadecimal
        issued = roster.issued
        expires = roster.expires
        self.signatures = signatures
        self.threshold = threshold
        regions = roster.regions.map { region in
            Entry(
                region: region.id.code,
                vi: region.vietnameseName,
                en: region.englishName,
                operator: region.operatorName,
                keys: region.keys.map(\.verifier.text),
                certificates: region.certificates.map(\.hash.hexadecimal),
                closed: region.closures.map(\.key.text),
                public: region.publicEndpoint,
                peer: region.peerEndpoint,
                successor: region.successor?.code
            )
        }
    }
}
