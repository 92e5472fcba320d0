internal import ExposureKeys
internal import FeedFormat
internal import HTTP2
internal import Logging
internal import NIOCore

extension PeerFetcher {
    /// The roster of another node, as it serves it to everybody; nil if it does not come.
    func roster(from peer: Region) async -> [UInt8]? {
        do {
            let connection = try await connections.connection(to: peer)
            let (head, body) = try await connection.get("/v1/roster", maxBody: FormatLimits.rosterBytes)
            return head.status == 200 ? Array(body.readableBytesView) : nil
        } catch {
            if !Task.isCancelled {
                log.write(.noRoster, of: peer, ["why": "\(error)"])
            }
            return nil
        }
    }
}
