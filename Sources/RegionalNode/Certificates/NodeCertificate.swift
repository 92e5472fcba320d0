internal import ExposureKeys
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
        var refusal: String?
        while !Task.isCancelled {
            let isAsked = requests != asked.count
            requests = asked.count
            switch await look(&reload, isAsked: isAsked, now: now(), node, use) {
            case .taken(let fresh):
                current = fresh
                refusal = nil
            case .asBefore: refusal = nil
            case .refused(let reason):
                refusal = "a new certificate was refused, the former one stays in use: \(reason)"
            case .notYet: break
            }
            node.alarms.set(.certificateRefused, refusal, about: setting)
            node.alarms.set(.certificateEnds, warningOfEnd(of: current, now: now()), about: setting)
            await asked.wait(while: requests, seconds: NodeCertificate.pause)
        }
    }

    /// What a look at the files has found.
    private enum Finding {
        case taken(TLSIdentity)
        /// The files are those that are in use.
        case asBefore
        case refused(String)
        /// They may be in the middle of being replaced, or are as they were when they were refused.
        case notYet
    }

    private func look(
        _ reload: inout TLSReload,
        isAsked: Bool,
        now: Int64,
        _ node: NodeContext,
        _ use: @escaping @Sendable (TLSIdentity) throws -> Void
    ) async -> Finding {
        let files = files
        // Reading files and making contexts block.
        let stamp = try? await NIOThreadPool.singleton.runIfActive { files.stamp }
        guard let stamp else { return .notYet }
        guard reload.shouldLoad(stamp, isAsked: isAsked) else { return reload.isInUse(stamp) ? .asBefore : .notYet }
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
            return .taken(fresh)
        } catch {
            guard reload.refused(stamp, isAsked: isAsked) else { return .notYet }
            return .refused((error as? HTTPError)?.reason ?? (error as? NodeError)?.reason ?? "\(error)")
        }
    }

    private func warningOfEnd(of identity: TLSIdentity, now: Int64) -> String? {
        let end = identity.validity.upperBound
        guard end - now < NodeCertificate.notice else { return nil }
        return now < end
            ? "the certificate in \(files.certificate) ends at \(UTCText.moment(end)), in less than 14 days: renew it"
            : "the certificate in \(files.certificate) has ended, at \(UTCText.moment(end)); no client believes it: renew it"
    }
}
