import ArgumentParser
import Foundation

/// What limits, metrics and logging take of a request's instructions.
struct OverheadBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead",
        abstract: "Instructions of a request that limits, metrics and logging take, function by function.",
        discussion: """
            The node runs under valgrind's callgrind, once with few and once with many requests; the difference, \
            divided by how many more there were, is a request. An instruction counts as overhead if the source it \
            comes from does, inlined or not; so does what such a source calls in libraries.
            """
    )

    @Option(help: "Size of the range asked for.")
    var size = "200B"

    @Option(help: "Requests of the first run; the second has five times as many.")
    var requests = 4000

    @Flag(help: "Without TLS.")
    var cleartext = false

    /// The most that is allowed of a request.
    private static let limit = 0.05

    func validate() throws {
        guard (100...1_000_000).contains(requests) else { throw ValidationError("--requests must be 100 to 1000000") }
    }

    func run() throws {
        guard let size = ServedSize.all.first(where: { $0.name == size }) else {
            throw BenchError("no size is called \(size)")
        }
        let cores = try ServerCores()
        let workplace = try Workplace()
        let site = try ServedSite(in: workplace.path, isCleartext: cleartext, sizes: [size])
        let server = try CountedServer(.keytide, in: site)
        let few = try server.profile(of: requests, site, site.ranges[0], cores)
        let difference = try server.profile(of: 5 * requests, site, site.ranges[0], cores).less(few)
        let perRequest = 1 / Double(4 * requests)
        let sources = try server.sources(of: difference.addresses)
        let overhead = Overhead(difference, sources)
        let name = size.name + (cleartext ? " cleartext" : "")
        // Less than this comes of starting and stopping.
        for part in overhead.parts where part.total * perRequest >= 0.1 {
            let further = [("calls", part.called * perRequest)]
            line("\(name) \(part.kind.rawValue) \(part.name)", part.total * perRequest, overhead, perRequest, further)
                .print()
        }
        for kind in OverheadKind.allCases {
            line("\(name) \(kind.rawValue)", overhead.sum(kind) * perRequest, overhead, perRequest).print()
        }
        line("\(name) sum", overhead.sum * perRequest, overhead, perRequest, limit: OverheadBench.limit).print()
    }

    private func line(
        _ name: String,
        _ instructions: Double,
        _ overhead: Overhead,
        _ perRequest: Double,
        _ further: [(name: String, value: Double)] = [],
        limit: Double? = nil
    ) -> ResultLine {
        let whole = overhead.whole * perRequest
        return ResultLine(
            bench: "overhead",
            case: name,
            peer: "request",
            ours: instructions,
            theirs: whole,
            limit: limit.map { $0 * whole },
            ratio: instructions / whole,
            unit: "instructions/request",
            further: further
        )
    }
}

/// Which instructions of a difference of profiles are overhead.
struct Overhead {
    struct Part {
        let kind: OverheadKind
        /// Function and file.
        let name: String
        var own = 0.0
        /// What it calls in libraries.
        var called = 0.0
        var total: Double { own + called }
    }

    /// All instructions.
    let whole: Double
    /// Descending by instructions.
    let parts: [Part]

    init(_ profile: Profile, _ sources: [UInt64: [SourceFrame]]) {
        whole = profile.total
        var parts: [String: Part] = [:]
        let homes = Overhead.homes(profile, sources)
        func frame(_ address: UInt64) -> (OverheadKind, SourceFrame)? {
            for frame in sources[address] ?? [] {
                if let kind = OverheadKind(frame) { return (kind, frame) }
            }
            guard sources[address]?.last?.isKnown != true, let function = profile.functions[address],
                let home = homes[function]
            else { return nil }
            return OverheadKind(home).map { ($0, home) }
        }
        // What an overhead calls is overhead too, unless it is counted where it stands, or is the node's own work that a
        // measure of time encloses.
        func isNode(_ address: UInt64) -> Bool {
            sources[address]?.contains { $0.isNode } == true || frame(address) != nil
        }
        for (address, cost) in profile.own {
            guard let (kind, frame) = frame(address) else { continue }
            parts[frame.name, default: Part(kind: kind, name: frame.name)].own += cost
        }
        for call in profile.calls {
            guard let (kind, frame) = frame(call.address) else { continue }
            if let callee = call.callee, isNode(callee) { continue }
            parts[frame.name, default: Part(kind: kind, name: frame.name)].called += call.cost
        }
        self.parts = parts.values.sorted { $0.total > $1.total }
    }

    /// Where most of a function's instructions come from, for those of which no source is known.
    private static func homes(_ profile: Profile, _ sources: [UInt64: [SourceFrame]]) -> [Substring: SourceFrame] {
        var counts: [Substring: [SourceFrame: Int]] = [:]
        for (address, function) in profile.functions {
            guard let frame = sources[address]?.last, frame.isKnown else { continue }
            counts[function, default: [:]][frame, default: 0] += 1
        }
        return counts.compactMapValues { frames in
            frames.max { ($0.value, $1.key.name) < ($1.value, $0.key.name) }?.key
        }
    }

    func sum(_ kind: OverheadKind) -> Double { parts.reduce(0) { $1.kind == kind ? $0 + $1.total : $0 } }
    var sum: Double { parts.reduce(0) { $0 + $1.total } }
}

/// What the sources of a node's request path are for, beside answering.
enum OverheadKind: String, CaseIterable {
    case limits
    case metrics
    case logging

    /// Nil for what answers.
    init?(_ frame: SourceFrame) {
        let isLimit = OverheadKind.limitFunctions.contains { frame.function.contains(".\($0)(") }
        if OverheadKind.limitFiles.contains(frame.file) || isLimit {
            self = .limits
        } else if frame.path.contains("/Observability/") || frame.path.contains("/swift-metrics/") {
            self = .metrics
        } else if frame.path.contains("/swift-log/") || frame.file == "LogBudget.swift" {
            self = .logging
        } else {
            return nil
        }
    }

    private static let limitFiles: Set<Substring> = [
        "AddressQuota.swift", "ConnectionRegistry.swift", "CountedMemory.swift", "FrameBudget.swift",
        "FrameWatch.swift", "HTTP1Progress.swift", "Liveness.swift", "PeerStreams.swift", "ProgressWatch.swift",
        "TransportLimit.swift", "WaitingConnections.swift",
    ]

    /// Functions of files that do other things too.
    private static let limitFunctions = ["chargeTally", "exceeded", "isWithinLimits", "tick"]
}
