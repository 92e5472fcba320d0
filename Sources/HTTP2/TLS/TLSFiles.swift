internal import Glibc

/// Where a certificate and its private key are kept, each in a PEM file.
public struct TLSFiles: Hashable, Sendable {
    public var certificate: String
    public var key: String

    /// Bytes of each file: far above any real chain.
    public static let sizeLimit = 1 << 20

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Reads both files. Blocks on the disk: not for event loops.
    /// - Parameter now: unix seconds at which the certificate must be valid.
    /// - Throws: `HTTPError` with `certificate`, which names the file and what to do.
    public func load(now: Int64) throws(HTTPError) -> TLSIdentity {
        let identity = try TLSIdentity(
            certificates: try TLSFiles.read(certificate, "the certificate"),
            key: try TLSFiles.read(key, "the private key"),
            origin: (certificate, key)
        )
        try identity.check(now: now, origin: certificate)
        return identity
    }

    /// What tells one state of the two files from another, without reading them.
    public struct Stamp: Hashable, Sendable {
        fileprivate struct File: Hashable, Sendable {
            var device: UInt64
            var number: UInt64
            var size: Int64
            var seconds: Int
            var nanoseconds: Int
        }

        fileprivate var certificate: File?
        fileprivate var key: File?
    }

    /// Follows symbolic links. Blocks on the disk.
    public var stamp: Stamp {
        Stamp(certificate: TLSFiles.stamp(certificate), key: TLSFiles.stamp(key))
    }

    /// What an operator should put right about the files, though they can be used.
    public var warning: String? {
        guard let information = TLSFiles.status(key), information.st_mode & 0o077 != 0 else { return nil }
        let mode = String(information.st_mode & 0o777, radix: 8)
        return "the private key \(key) has mode 0\(mode), so that others than its owner may use it: chmod 0600 \(key)"
    }

    private static func status(_ path: String) -> stat? {
        var information = Glibc.stat()
        return stat(path, &information) == 0 ? information : nil
    }

    private static func stamp(_ path: String) -> Stamp.File? {
        status(path).map { information in
            Stamp.File(
                device: UInt64(information.st_dev),
                number: UInt64(information.st_ino),
                size: Int64(information.st_size),
                seconds: information.st_mtim.tv_sec,
                nanoseconds: information.st_mtim.tv_nsec
            )
        }
    }

    private static func read(_ path: String, _ what: String) throws(HTTPError) -> [UInt8] {
        guard let file = fopen(path, "re") else {
            let reason = String(cString: strerror(errno))
            throw HTTPError(.certificate, "\(what) cannot be read from \(path): \(reason)")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0, count <= sizeLimit else {
            let reason = count > sizeLimit ? "it has more than \(sizeLimit) bytes" : String(cString: strerror(errno))
            throw HTTPError(.certificate, "\(what) cannot be read from \(path): \(reason)")
        }
        return Array(bytes[..<count])
    }
}

/// When files that may be in the middle of being replaced are read again. A value: it is told what was seen.
///
/// Whoever renews a certificate writes two files, so a pair that does not fit is given until the next look. It is
/// refused for good, once, when it stayed as it was.
public struct TLSReload: Sendable {
    private var adopted: TLSFiles.Stamp
    private var failed: TLSFiles.Stamp?
    private var isRefused = false

    /// - Parameter adopted: the files as they were when they were last read with success.
    public init(adopted: TLSFiles.Stamp) {
        self.adopted = adopted
    }

    /// Whether the files are to be read.
    /// - Parameter isAsked: an operator said that they are complete.
    public mutating func shouldLoad(_ stamp: TLSFiles.Stamp, isAsked: Bool) -> Bool {
        if isAsked { isRefused = false }
        guard stamp != adopted else {
            failed = nil
            return false
        }
        return stamp != failed || !isRefused
    }

    /// Whether these files are the ones that were last read with success.
    public func isInUse(_ stamp: TLSFiles.Stamp) -> Bool { stamp == adopted }

    /// The files were read between two looks that saw the same, and are used now.
    public mutating func loaded(_ stamp: TLSFiles.Stamp) {
        adopted = stamp
        failed = nil
        isRefused = false
    }

    /// The files could not be used.
    /// - Returns: whether the operator is to be told.
    public mutating func refused(_ stamp: TLSFiles.Stamp, isAsked: Bool) -> Bool {
        isRefused = isAsked || failed == stamp
        failed = stamp
        return isRefused
    }
}
