internal import FeedFormat
internal import HTTP2
internal import NIOCore

/// `POST /v1/admin/roster`: an operator gives the running node a newer roster.
extension AdminHandler {
    func installRoster(_ body: RequestBody, _ writer: ResponseWriter) async throws {
        let bytes: [UInt8]
        do {
            bytes = Array(try await body.collect(upTo: FormatLimits.rosterBytes).readableBytesView)
        } catch let error as HTTPError where error.code == .bodyTooLarge {
            let problem = ProblemDocument(
                "roster-too-large",
                status: 413,
                title: "The roster is too large",
                detail: error.reason
            )
            return try await problem.send(writer)
        }
        switch try await node.offer(roster: bytes, from: "the admin socket", isAnswered: true) {
        case .taken(let roster):
            try await AdminHandler.send(RosterReport(roster, isTaken: true), status: 200, writer)
        case .known(let roster):
            try await AdminHandler.send(RosterReport(roster, isTaken: false), status: 200, writer)
        case .refused(let error):
            let problem = ProblemDocument(
                "roster-refused",
                status: 422,
                title: "The roster was refused",
                detail: "\(error)"
            )
            try await problem.send(writer)
        }
    }
}

/// What became of a roster that was handed to a node.
public struct RosterReport: Codable, Sendable {
    /// False if the node had it, or a newer one, already.
    public var taken: Bool
    /// The version in use now.
    public var version: UInt64
    /// Hash of its text, hexadecimal.
    public var hash: String
    /// Unix seconds.
    public var expires: Int64
    public var regions: Int

    init(_ roster: Roster, isTaken: Bool) {
        taken = isTaken
        version = roster.version
        hash = roster.hash.hexadecimal
        expires = roster.expires
        regions = roster.regions.count
    }
}

extension AdminRoutes {
    public static let roster = "/v1/admin/roster"
}
