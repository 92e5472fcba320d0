import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode

/// `keytide roster`: what authorities do with rosters, and operators with those that they are given.
struct RosterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roster",
        abstract: "Draft, sign, check and install the list of regions.",
        discussion: """
            One authority drafts the next version from the requests of regions; it and others look at the draft and sign \
            it, each with a key that stays on a machine without a network. Any way of passing the file on will do.
            """,
        subcommands: [
            RosterKeyCommand.self, RosterStandingCommand.self, RosterDraftCommand.self, RosterSignCommand.self,
            RosterVerifyCommand.self, RosterShowCommand.self, RosterDiffCommand.self, RosterInstallCommand.self,
            RosterProvincesCommand.self,
        ]
    )
}

struct RosterKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make an authority's key.",
        discussion: """
            Prints the public key. The file of authorities that nodes and phones are given has a line 'threshold K' and \
            one such key a line.
            """
    )

    @Argument(help: "File for the private key; not overwritten.", completion: .file())
    var file: String

    @Option(help: "Name of the authority, without spaces.")
    var name: String

    func run() throws {
        let signer = try NewFiles.signer(name, .ed25519)
        try NewFiles.write((signer.text + "\n").utf8, file, secret: true)
        Output.line(signer.verifier.text)
    }
}

struct RosterSignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a draft, after looking at what it changes.",
        discussion: """
            Prints what is signed. With --previous the draft must follow that roster, and only the changes are shown. Then \
            it asks; where there is no terminal to ask at, it signs only what --yes names. The signature is added to the \
            file; when enough authorities have signed, it is the next roster.
            """
    )

    @Argument(help: "The draft.", completion: .file())
    var draft: String

    @Option(help: "The authority's private key.", completion: .file())
    var key: String

    @Option(help: "Who may sign, and how many must.", completion: .file())
    var authorities: String

    @Option(help: "The roster in force, which the draft must follow.", completion: .file())
    var previous: String?

    @Option(help: "VERSION-HASH, as 'keytide roster show' prints both: signs this without asking, and nothing else.")
    var yes: String?

    func run() throws {
        let signer = try NewFiles.readSigner(key)
        let authorities = try RosterAuthorities(path: authorities)
        guard authorities.verifiers.contains(signer.verifier) else {
            throw CommandError("\(key) is the key of \(signer.verifier.name), which is none of the authorities")
        }
        var document = try RosterDocument(path: draft)
        let before = try document.signers(among: authorities)
        guard !before.contains(signer.verifier) else {
            throw CommandError("\(signer.verifier.name) has signed \(draft) already")
        }
        let name = RosterTable.shortName(document.roster)
        if let yes, yes != name {
            throw CommandError("\(draft) is \(name), not \(yes): look at it with 'keytide roster show'")
        }
        try show(document.roster, authorities)
        // Nobody has seen what could not be shown.
        try Output.checkWhole()
        if yes == nil { try ask(name) }
        try document.sign(by: signer)
        try Files.write(document.bytes, draft)
        let count = before.count + 1
        let missing = authorities.threshold - count
        Output.line(
            "signed by \(signer.verifier.name): \(count) of the \(authorities.threshold) signatures needed"
                + (missing > 0 ? "; \(missing) more, then it counts" : "; the roster is complete")
        )
    }

    private func ask(_ name: String) throws {
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandError(
                "nothing was signed: there is no terminal to ask at. Look at \(draft) with 'keytide roster show', then give "
                    + "--yes VERSION-HASH with the version and hash that it printed"
            )
        }
        Output.progress("Sign this with \(key)? Type yes:")
        guard readLine(strippingNewline: true)?.trimmingCharacters(in: .whitespaces) == "yes" else {
            throw CommandError("nothing was signed")
        }
    }

    private func show(_ roster: Roster, _ authorities: RosterAuthorities) throws {
        guard let previous else {
            guard roster.version == 1 else {
                throw CommandError("the draft is version \(roster.version): give the one in force with --previous")
            }
            RosterTable.show(roster)
            // All that is signed, keys and certificates too: nothing was there before.
            return RosterTable.printChanges(from: nil, to: roster)
        }
        let held = try SignedRoster(path: previous, authorities: authorities)
        guard held.roster.succession(of: roster) == .newer else {
            throw CommandError(
                "the draft, version \(roster.version), does not follow \(previous), version \(held.roster.version): it names "
                    + "another predecessor; draft it anew from the roster in force"
            )
        }
        Output.line(RosterTable.name(roster))
        Output.line("issued \(RosterTable.time(roster.issued)), expires \(RosterTable.time(roster.expires))")
        RosterTable.printChanges(from: held.roster, to: roster)
    }
}

struct RosterVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a roster's signatures, expiry, and that it follows another.",
        discussion: "Exit status: 0 it would be taken, 1 it would not."
    )

    @Argument(help: "The roster.", completion: .file())
    var roster: String

    @Option(help: "Who may sign, and how many must.", completion: .file())
    var authorities: String

    @Option(help: "The roster in force.", completion: .file())
    var previous: String?

    @Option(help: "Time at which it is checked, such as 2026-07-01T00:00:00Z (default: now).")
    var asOf: String?

    func run() throws {
        let authorities = try RosterAuthorities(path: authorities)
        let given = try SignedRoster(path: roster, authorities: authorities)
        let now = try Moments.parse(asOf, "--as-of")
        do {
            try given.roster.checkExpiry(now: now)
            if let previous {
                let held = try SignedRoster(path: previous, authorities: authorities)
                guard try held.isFollowed(by: given, now: now) else {
                    throw CommandError("\(roster) is not newer than \(previous): version \(given.roster.version)")
                }
            }
        } catch let error as FormatError {
            throw CommandError("\(roster) would be refused: \(error)")
        }
        let signers = try RosterDocument(path: roster).signers(among: authorities).map(\.name)
        Output.line(
            "roster version \(given.roster.version) is valid until \(RosterTable.time(given.roster.expires)), signed by "
                + signers.joined(separator: ", ")
        )
    }
}

struct RosterShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Print a roster or a draft of one.")

    @Argument(help: "The roster or draft.", completion: .file())
    var roster: String

    @Option(help: "Who may sign; then signatures are checked and counted.", completion: .file())
    var authorities: String?

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let document = try RosterDocument(path: roster)
        let authorities = try authorities.map { try RosterAuthorities(path: $0) }
        let signers = try authorities.map { try document.signers(among: $0) }
        if json {
            return try Output.json(
                RosterResult(document.roster, signatures: signers?.count, threshold: authorities?.threshold)
            )
        }
        RosterTable.show(document.roster)
        RosterTable.showDetails(document.roster)
        Output.line("\(RosterTable.shortName(document.roster)) is its name for 'keytide roster sign --yes'")
        if let signers, let authorities {
            Output.line(
                "signed by \(signers.count) of \(authorities.threshold): \(signers.map(\.name).joined(separator: ", "))"
            )
        }
    }
}

struct RosterDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what a roster or a draft changes about another.",
        discussion: """
            For whoever is to sign: keys and certificates that come and go with their fingerprints and times, names, \
            addresses, what is closed and what stands. Signatures are not looked at; 'keytide roster verify' does. \
            Exit status: 0 the second follows the first or is the same, 1 it does not.
            """
    )

    @Argument(help: "The roster in force.", completion: .file())
    var old: String

    @Argument(help: "The next one, or a draft of it.", completion: .file())
    var new: String

    func run() throws {
        let (before, after) = (try RosterDocument(path: old).roster, try RosterDocument(path: new).roster)
        for (path, roster) in [(old, before), (new, after)] {
            Output.line("\(path): \(RosterTable.name(roster))")
            Output.line("  issued \(RosterTable.time(roster.issued)), expires \(RosterTable.time(roster.expires))")
        }
        RosterTable.printChanges(from: before, to: after)
        guard before.hash == after.hash || before.succession(of: after) == .newer else {
            throw CommandError("\(new), version \(after.version), does not follow \(old), version \(before.version)")
        }
    }
}

struct RosterInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Give a running node a newer roster; it passes it on."
    )

    @Argument(help: "The roster.", completion: .file())
    var roster: String

    @Option(help: "Admin socket of the node.", completion: .file())
    var socket: String

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        let bytes = try Files.read(roster)
        let client = try await AdminClient(socket: socket)
        let report = try await client.installRoster(bytes)
        await client.close()
        if json { return try Output.json(report) }
        Output.line(
            report.taken
                ? "roster version \(report.version) is in use"
                : "nothing changed: the node has this roster or a newer one, version \(report.version)"
        )
    }
}

struct RosterProvincesCommand: AsyncParsableCommand {
    enum List: String, ExpressibleByArgument, CaseIterable {
        case until = "2021"
        case since = "2025"
    }

    static let configuration = CommandConfiguration(
        commandName: "provinces",
        abstract: "Print Vietnam's provinces: codes, names and successors."
    )

    @Option(help: "2021: the 63 until 2025-06-30; 2025: the 34 since then.")
    var list: List = .since

    @Flag(help: "One JSON object a province.")
    var json = false

    private struct Line: Encodable {
        var region: String
        var vi: String
        var en: String
        var successor: String
    }

    func run() throws {
        let provinces = list == .until ? VietnamProvince.until2025 : VietnamProvince.since2025
        let lines = provinces.map { province in
            Line(
                region: province.region.code,
                vi: province.vietnameseName,
                en: province.englishName,
                successor: province.successor.code
            )
        }
        if json { return try lines.forEach { try Output.json($0) } }
        Output.table(
            [["name", "English", "code", "successor"]] + lines.map { [$0.vi, $0.en, $0.region, $0.successor] }
        )
    }
}
