import ClientSync
import ExposureKeys
import FeedFormat
import TestSupport
import Testing

/// Six regions whose nodes hold the same and hear each other's indexes, hour by hour in virtual time, each of which may
/// be made to show something else. The phone's node is VN-01.
struct Nodes {
    static let codes = (1...6).map { "VN-0\($0)" }

    let country: Country
    private let servers: [FeedServer]
    /// What the regions publish, a feed each in their order; more may follow.
    var feeds: [PublishedFeed]
    /// Unix seconds.
    private(set) var time = Sample.now
    /// What a node makes of the feeds, by its code.
    var lies: [String: @Sendable ([PublishedFeed]) -> [PublishedFeed]] = [:]
    /// Nodes whose clock stands still, or is set otherwise.
    var clocks: [String: Int64] = [:]
    /// Indexes that VN-01 does not pass on.
    var hidden: [String] = []
    private var random = SplitMix64(seed: 81)

    init(operators: [String: String] = [:]) async throws {
        let country = try Country(Nodes.codes, operators: operators)
        self.country = country
        servers = try Nodes.codes.map { try FeedServer($0, country: country, feeds: []) }
        feeds = try Nodes.codes.map { try country.feed($0) }
        try await pass(hours: 1)
    }

    subscript(code: String) -> FeedServer { servers[Nodes.codes.firstIndex(of: code) ?? 0] }
    var home: FeedServer { self["VN-01"] }

    /// Each feed grows by a batch an hour; all nodes have it and sign their indexes.
    mutating func pass(hours: Int) async throws {
        for _ in 0..<hours {
            time += 3600
            for position in feeds.indices {
                try feeds[position].publish(
                    try Sample.keys(1, using: &random),
                    at: Interval(unixSeconds: time)
                )
            }
            try await show()
        }
    }

    /// All nodes serve what they are to serve by now, and hear each other.
    func show() async throws {
        for (code, server) in zip(Nodes.codes, servers) {
            await server.serve(lies[code]?(feeds) ?? feeds, at: clocks[code] ?? time)
        }
        for (code, server) in zip(Nodes.codes, servers) {
            let said = try await server.said()
            for other in servers where other.node != server.node {
                await other.hear(code, other.node == home.node && hidden.contains(code) ? nil : said)
            }
        }
    }

    /// A sync two minutes after the hour.
    @discardableResult
    func sync(_ phone: Phone, with code: String = "VN-01") async throws -> SyncReport {
        try await phone.sync(self[code], now: time + 120)
    }

    /// Codes of the witnesses that a phone of this seed draws at VN-01, in order.
    func witnesses(_ phone: Phone) async throws -> [String] {
        try await sync(phone).witnesses.present.map(\.code)
    }

    /// A phone with two witnesses.
    func phone(reaching others: [String] = []) -> Phone {
        var phone = Phone(country, witnesses: 2)
        phone.others = others.map { self[$0] }
        return phone
    }
}

extension WitnessReport {
    var kinds: [WitnessFinding.Kind] { findings.map(\.kind) }
}

extension PublishedFeed {
    /// Its first batches, as if there were no more.
    func cut(to count: Int) -> PublishedFeed {
        var short = PublishedFeed(id, signer: signer)
        for batch in batches.prefix(count) { short.publish(raw: batch) }
        return short
    }
}
