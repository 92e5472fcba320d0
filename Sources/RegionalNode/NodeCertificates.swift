internal import Foundation
internal import HTTP2
internal import Logging

/// The certificates that a node shows, and the TLS that follows from them. Both are exchanged while the node runs.
struct NodeCertificates: Sendable {
    /// TLS of the public listener; nil for cleartext.
    let publicTLS: TLSServer?
    private let publicCertificate: NodeCertificate?

    /// Reads what the settings name.
    /// - Throws: `NodeError` that names file and setting.
    init(_ configuration: NodeConfiguration, logger: Logger) throws(NodeError) {
        guard let files = configuration.tls else {
            (publicCertificate, publicTLS) = (nil, nil)
            return
        }
        let certificate = try NodeCertificate(files, setting: "tls", now: NodeCertificates.systemTime(), logger: logger)
        publicCertificate = certificate
        do throws(HTTPError) {
            publicTLS = try TLSServer(certificate.identity)
        } catch {
            throw NodeError(.file, "\(files.certificate): \(error.reason)", cause: error.cause)
        }
    }

    /// Takes up new certificates until the node stops.
    func keepFresh(asked: ReloadRequests, node: NodeContext) async {
        await withDiscardingTaskGroup { tasks in
            if let publicCertificate, let publicTLS {
                tasks.addTask {
                    await publicCertificate.keepFresh(asked: asked, now: NodeCertificates.systemTime, node: node) {
                        try publicTLS.use($0)
                    }
                }
            }
        }
    }

    /// Phones and browsers judge a certificate by their own clocks, whatever day this node is set to.
    private static let systemTime: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
}
