import ArgumentParser
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode

/// `keytide roster draft`: the next roster from the one in force and what is asked for.
struct RosterDraftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draft",
        abstract: "Make the next version of the roster, for the authorities to sign.",
        discussion: """
            Without --current it is the first version. Names of regions are those of Vietnam's 34 provinces unless --name \
            or --list says otherwise. Changes are made in this order: keys are closed, requests taken, provinces merged, \
            regions renamed, retired, left out. What is changed is printed.
            """
    )

    @Argument(help: "File for the draft; not overwritten.", completion: .file())
    var draft: String

    @Option(help: "The roster in force.", completion: .file())
    var current: String?

    @Option(help: "Who may sign: to check --current.", completion: .file())
    var authorities: String?

    @Option(help: "A region's request, to list it or its next key; may be repeated.", completion: .file())
    var request: [String] = []

    @Option(help: "REGION=SUCCESSOR: the region is taken over; may be repeated.")
    var retire: [String] = []

    @Option(help: "REGION=NAME=ENGLISH NAME: names that the region bears; may be repeated.")
    var name: [String] = []

    @Flag(
        help: "Retire the provinces that were merged on 2025-07-01, and give all that are listed their present names."
    )
    var mergeProvinces = false

    @Option(help: "A key that others have got hold of, as name+id+base64; or its region, if that lists but one.")
    var close: String?

    @Option(help: "EPOCH:BATCHES:ROOT: what stands under the closed key, the root in base64; may be repeated.")
    var stands: [String] = []

    @Option(help: "File of what stands, as 'keytide roster standing' prints it.", completion: .file())
    var standing: String?

    @Flag(help: "Nothing stands under the closed key: all that it has signed is dropped everywhere.")
    var nothingStands = false

    @Option(help: "A region that was retired long ago, to leave out; may be repeated.")
    var drop: [String] = []

    @Option(help: "Province names: 2021 for the 63 until 2025-06-30, 2025 for the 34 since.")
    var list: RosterProvincesCommand.List = .since

    @Option(help: "Days until the roster expires.")
    var days: Int = 180

    @Option(help: "Days for which keys that are listed now may sign.")
    var keyDays: Int = 825

    @Option(help: "Days for which keys and certificates that are replaced, and keys of retired regions, still count.")
    var overlapDays: Int = 7

    @Option(help: "When it is issued, such as 2026-07-01T00:00:00Z (default: now).")
    var issued: String?

    func run() throws {
        try NewFiles.refuseExisting([draft])
        guard (1...3650).contains(days), (1...36_500).contains(keyDays), (0...365).contains(overlapDays) else {
            throw ValidationError("--days is 1 to 3650, --key-days 1 to 36500, --overlap-days 0 to 365")
        }
        let held = try readCurrent()
        let time = try Moments.parse(issued, "--issued")
        var edit = RosterDraft(
            regions: held?.regions ?? [],
            issued: time,
            keyDays: keyDays,
            overlapDays: overlapDays
        )
        try change(&edit)
        let expires = time + Int64(days) * 86_400
        let roster =
            held.map { $0.next(issued: time, expires: expires, regions: edit.regions) }
            ?? Roster(version: 1, previous: nil, issued: time, expires: expires, regions: edit.regions)
        guard let roster else {
            throw CommandError("no roster can be made so: every successor must be listed and not be retired itself")
        }
        try NewFiles.write(RosterDocument(roster).bytes, draft)
        Output.line("draft of \(RosterTable.name(roster))")
        Output.line("issued \(RosterTable.time(time)), expires \(RosterTable.time(expires))")
        RosterTable.printChanges(from: held, to: roster)
    }

    private func readCurrent() throws -> Roster? {
        guard let current else { return nil }
        guard let authorities else { throw ValidationError("--current needs --authorities, to be checked") }
        return try SignedRoster(path: current, authorities: RosterAuthorities(path: authorities)).roster
    }

    private func change(_ edit: inout RosterDraft) throws {
        let names = try names()
        if let close {
            let key = try StandingLine.key(close, in: edit.regions)
            try edit.close(key, standing: standingLines())
        } else if !stands.isEmpty || standing != nil || nothingStands {
            throw ValidationError("--stands, --standing and --nothing-stands go with --close")
        }
        for path in request {
            let request = try readRequest(path)
            try edit.take(request, names: names[request.region])
        }
        try edit.finishClosures()
        if mergeProvinces { try edit.mergeProvinces() }
        for (region, name) in names.given { try edit.rename(region, name) }
        for pair in retire {
            let parts = pair.split(separator: "=").map { Region($0) }
            guard parts.count == 2, let region = parts[0], let successor = parts[1] else {
                throw ValidationError("--retire \(pair) is not REGION=SUCCESSOR, such as VN-02=VN-08")
            }
            try edit.retire(region, into: successor)
        }
        for code in drop {
            guard let region = Region(code) else { throw ValidationError("--drop \(code) is no region") }
            try edit.drop(region)
        }
    }

    private func readRequest(_ path: String) throws -> RosterRequest {
        do {
            return try RosterRequest([UInt8](try Files.read(path))[...])
        } catch let error as FormatError {
            throw CommandError("\(path) is no valid request: \(error); have it made and sent again")
        }
    }

    private func standingLines() throws -> [RosterRegion.Closure.Standing] {
        let read = try standing.map { try StandingLine.file($0) } ?? []
        let all = try stands.map { try StandingLine.parse($0) } + read
        guard all.isEmpty == nothingStands else {
            throw CommandError(
                all.isEmpty
                    ? "nothing is said to stand under the closed key, so that all it has signed would be dropped everywhere: name "
                        + "what stands with --standing or --stands, or say --nothing-stands"
                    : "--nothing-stands contradicts \(all.count) epochs that are said to stand"
            )
        }
        return all
    }

    /// Names of regions: those that were given, else those of the provinces.
    private struct Names {
        var given: [(Region, (vi: String, en: String))] = []
        let provinces: [VietnamProvince]

        subscript(_ region: Region) -> (vi: String, en: String)? {
            if let (_, names) = given.first(where: { $0.0 == region }) { return names }
            return provinces.first { $0.region == region }.map { ($0.vietnameseName, $0.englishName) }
        }
    }

    private func names() throws -> Names {
        var names = Names(provinces: list == .until ? VietnamProvince.until2025 : VietnamProvince.since2025)
        for text in name {
            let parts = text.split(separator: "=", maxSplits: 2).map { String($0) }
            guard parts.count == 3, let region = Region(parts[0]) else {
                throw ValidationError("--name \(text) is not REGION=NAME=ENGLISH NAME")
            }
            names.given.append((region, (vi: parts[1], en: parts[2])))
        }
        return names
    }
}

/// Times on the command line.
enum Moments {
    /// - Returns: unix seconds; now if there is no text.
    static func parse(_ text: String?, _ flag: String) throws -> Int64 {
        guard let text else { return Int64(Date().timeIntervalSince1970) }
        guard let time = NodeConfiguration.time(text), time >= 0 else {
            throw ValidationError("\(flag) \(text) is no time such as 2026-07-01T00:00:00Z")
        }
        return time
    }
}
