import ArgumentParser
import ClientSync
import DeviceStore
import ExposureKeys
import FeedFormat
import Foundation
import RegionalNode

/// `keytide device sync`: brings the phone's store up to what a node holds.
struct DeviceSyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Fetch and verify what a node has and the phone has not.",
        discussion: """
            Can be stopped at any moment; the next sync, with this node or another, goes on from there.

            Once an hour the phone asks the node for the indexes of witnesses: nodes of other operators. What they had an \
            hour before the node must have. Where a witness claims what the node does not show, the witness is asked, at \
            its address in the roster.

            Exit status: 0 the phone has all that the node has, and that is news: the node signed its index not more than \
            two publication slots ago by the phone's clock; 1 the sync failed; 3 some feeds have problems or wait, or the \
            index is no news; 4 statements contradict each other, and the store keeps the evidence; 64 the \
            command line is wrong.
            """
    )

    @OptionGroup var device: DeviceStoreOptions
    @OptionGroup var time: DeviceClockOptions

    @Option(help: "Base URL of the node, https://host:port (or http:// for cleartext).")
    var node: String

    @Option(help: "PEM file with certificates to trust instead of the system's.", completion: .file())
    var ca: String?

    @Option(help: "File that says who may sign the roster.", completion: .file())
    var authorities: String?

    @Option(
        parsing: .upToNextOption,
        help: "Keys of which each must have signed the roster, name+hash+base64, instead of --authorities."
    )
    var rosterKey: [String] = []

    @Option(help: "Regions to follow, separated by commas (default: all; whoever infected you may live anywhere).")
    var regions: String?

    @Option(help: "Nodes of distinct operators whose indexes are held against the node's, 0 to 8.")
    var witnesses = 2

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws {
        guard (authorities == nil) != rosterKey.isEmpty else {
            throw ValidationError("give either --authorities or --roster-key")
        }
        _ = try chosenRegions()
        _ = try time.clock()
        guard (0...SyncOptions.maximumWitnesses).contains(witnesses) else {
            throw ValidationError("--witnesses: 0 to \(SyncOptions.maximumWitnesses)")
        }
    }

    func run() async throws {
        LargeBlocks.returnAtOnce()
        let clock = try time.clock()
        let transport = try NodeTransport(node, authorities: ca)
        let others = OtherNodes(authorities: ca)
        let options = SyncOptions(
            authorities: try readAuthorities(),
            regions: try chosenRegions(),
            witnesses: witnesses
        )
        let store = try device.open(create: true)
        let session = SyncSession(
            transport: transport,
            storage: store,
            options: options,
            others: { others.transport(to: $0) }
        )
        let line = ProgressLine(isShown: !json)
        let began = ContinuousClock.now
        let report: SyncReport
        do {
            report = try await session.run(now: clock.seconds) { line.show($0) }
            // Also where nobody matches for long, sightings go when nothing can match them any more.
            let horizon = try await store.encounterHorizon(now: clock.seconds)
            try await store.dropEncounters(before: Interval(unixSeconds: horizon))
        } catch {
            line.end()
            await transport.close()
            await others.close()
            throw CommandError("\(error)")
        }
        line.end()
        await transport.close()
        await others.close()
        let result = DeviceSyncResult(report, seconds: (ContinuousClock.now - began).inSeconds, now: clock.seconds)
        if json { try Output.json(result) } else { show(result) }
        if !result.evidence.isEmpty { throw ExitCode(4) }
        if !result.upToDate { throw ExitCode.nothingCanBeSaid }
    }

    private func show(_ result: DeviceSyncResult) {
        if !result.feeds.isEmpty {
            Output.table(
                [["feed", "before", "now", "node has", "batches", "keys", "state"]]
                    + result.feeds.map { feed in
                        [
                            feed.feed, "\(feed.before)", "\(feed.size)", "\(feed.nodeSize)", "\(feed.batches)",
                            Output.grouped(feed.keys), feed.state,
                        ]
                    }
            )
        }
        let summary =
            result.notModified
            ? "nothing new at \(result.node)"
            : "\(Output.counted(result.keys, "key")) in \(Output.counted(result.batches, "batch")) from \(result.node)"
        Output.line(
            "\(summary): \(Output.counted(result.bytes, "byte")), \(Output.counted(result.requests, "request")), "
                + "\(Output.fixed(result.seconds, 2)) s; \(result.upToDate ? "up to date" : "NOT up to date")"
        )
        if let witnesses = result.witnesses {
            Output.line(
                witnesses.witnessed
                    ? "witnessed by \(witnesses.present.joined(separator: ", "))"
                    : "UNWITNESSED: indexes of \(witnesses.present.count) of "
                        + Output.counted(witnesses.wanted, "other operator")
            )
            for finding in witnesses.findings {
                Output.progress("\(finding.proven ? "PROVEN" : "not proven"), \(finding.kind): \(finding.reason)")
            }
        }
        if let signed = result.indexTime, let remark = DeviceSyncCommand.remark(on: result.index, signed: signed) {
            Output.progress(remark)
        }
        if let until = result.news.fetchedUntil, !result.isNews {
            Output.progress("keys were fetched until \(TimeText.utc(until)), and are no fresher now")
        }
        for problem in result.problems { Output.progress(problem) }
        for evidence in result.evidence {
            Output.progress("EVIDENCE of \(evidence.kind) kept: \(evidence.feed) at \(evidence.size.counted("batch"))")
        }
    }

    private func readAuthorities() throws -> RosterAuthorities {
        guard let path = authorities else {
            let verifiers = try rosterKey.map { text in
                guard let verifier = NoteVerifier(text) else {
                    throw CommandError("--roster-key \(text) is no key 'name+hash+base64'")
                }
                return verifier
            }
            guard let authorities = RosterAuthorities(verifiers: verifiers, threshold: verifiers.count) else {
                throw CommandError("--roster-key: give distinct keys, at most 64")
            }
            return authorities
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CommandError("\(path) cannot be read; name the file that says who may sign the roster")
        }
        do {
            return try RosterAuthorities(text: text)
        } catch {
            throw CommandError("\(path): \(error.reason)")
        }
    }

    private func chosenRegions() throws -> [Region]? {
        try regions?.split(separator: ",").map { code in
            guard let region = Region(code) else {
                throw ValidationError("--regions: \(code) is no region; write codes like VN-01, separated by commas")
            }
            return region
        }
    }

    /// Why an index is no news; nil if it is.
    private static func remark(on index: String, signed: Int64) -> String? {
        let signed = "the node signed its index at \(TimeText.utc(signed))"
        return switch IndexStanding(rawValue: index) {
        case .tooOld?:
            """
            NO NEWS: \(signed), more than two publication slots ago by this clock: the node was cut off, or one of the \
            clocks is wrong; check this one, and sync with another node
            """
        case .fromTheFuture?:
            """
            NO NEWS: \(signed), more than two hours ahead of this clock: one of the clocks is wrong; check this one, and \
            sync with another node
            """
        case .disproved?: "NO NEWS: the node is proven to keep keys back; sync with another node"
        case .cutShort?: "NO NEWS: what the index lists could not be fetched; sync again, or with another node"
        case .news?, nil: nil
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
