internal import HTTP2
internal import Logging
internal import NIOPosix

/// A certificate of this node: read at the start, and again whenever its files change.
struct NodeCertificate: Sendable {
    let files: TLSFiles
    /// The settings that name the files, without their last part.
    let setting: String
    let identity: TLSIdentity
    private let adopted: TLSFiles.Stamp

    /// Seconds between looks at the files.
    private static let pause = 5
    /// Seconds before the end of a certificate from which on there is an alarm.
    private static let notice: Int64 = 14 * 86_400

    /// - Parameter now: unix seconds.
    /// - Throws: `NodeError` that names the file and the setting.
    init(_ files: TLSFiles, setting: String, now: Int64, logger: Logger) throws(NodeError) {
        self.files = files
        self.setting = setting
        adopted = files.stamp
        do throws(HTTPError) {
            identity = try files.load(now: now)
        } catch {
            throw NodeError(.file, "\(error.reason) (settings '\(setting).certificate', '\(setting).key')")
        }
        if let warning = files.warning { logger.warning("\(warning)") }
    }

    /// Looks at the files again and again, and whenever `asked` says so. What is new and good goes to `use`; what is
    /// not raises an alarm, and the former certificate stays.
    func keepFresh(
        asked: ReloadRequests,
        now: @escaping @Sendable () -> Int64,
        node: NodeContext,
        use: @escaping @Sendable (TLSIdentity) throws -> Void
    ) async {
        var reload = TLSReload(adopted: adopted)
        var current = identity
        var requests = asked.count
        while !Task.isCancelled {
            let isAsked = requests != asked.count
            requests = asked.count
            if let fresh = await look(&reload, isAsked: isAsked, now: now(), node, use) { current = fresh }
            warnOfEnd(of: current, now: now(), node)
            await asked.wait(while: requests, seconds: NodeCertificate.pause)
        }
    }

    private func look(
        _ reload: inout TLSReload,
        isAsked: Bool,
        now: Int64,
        _ node: NodeContext,
        _ use: @escaping @Sendable (TLSIdentity) throws -> Void
    ) async -> TLSIdentity? {
        let files = files
        // Reading files and making contexts block.
        let stamp = try? await NIOThreadPool.singleton.runIfActive { files.stamp }
        guard let stamp, reload.shouldLoad(stamp, isAsked: isAsked) else { return nil }
        do {
            let fresh = try await NIOThreadPool.singleton.runIfActive {
                let fresh = try files.load(now: now)
                guard files.stamp == stamp else {
                    throw HTTPError(.certificate, "\(files.certificate) and \(files.key) are being written")
                }
                try use(fresh)
                return fresh
            }
            reload.loaded(stamp)
            if let warning = files.warning { node.logger.warning("\(warning)") }
            node.logger.notice(
                "certificate replaced",
                metadata: ["setting": "\(setting)", "certificate": "\(fresh.hash.prefix)"]
            )
            return fresh
        } catch {
            if reload.refused(stamp, isAsked: isAsked) {
                let reason = (error as? HTTPError)?.reason ?? (error as? NodeError)?.reason ?? "\(error)"
                node.raise("a new certificate was refused, the former one stays in use: \(reason)")
            }
            return nil
        }
    }

    private func warnOfEnd(of identity: TLSIdentity, now: Int64, _ node: NodeContext) {
        let end = identity.validity.upperBound
        guard end - now < NodeCertificate.notice else { return }
        node.raise("the certificate in \(files.certificate) ends at unix time \(end), in less than 14 days: renew it")
    }
}
