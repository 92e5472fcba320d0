internal import Glibc

/// The limits that the system sets to this process (getrlimit(2)).
public enum ProcessLimits {
    /// A limit by the names that operators know it by.
    package struct Kind: Sendable {
        fileprivate let resource: __rlimit_resource
        /// As in systemd's units.
        package let name: String

        package static let openFiles = Kind(resource: RLIMIT_NOFILE, name: "LimitNOFILE")
        package static let threads = Kind(resource: __RLIMIT_NPROC, name: "LimitNPROC")
        package static let addressSpace = Kind(resource: RLIMIT_AS, name: "LimitAS")
        package static let data = Kind(resource: RLIMIT_DATA, name: "LimitDATA")
        package static let fileSize = Kind(resource: RLIMIT_FSIZE, name: "LimitFSIZE")

        fileprivate static let all = [openFiles, threads, addressSpace, data, fileSize]
    }

    /// Takes what this process may take without asking anybody: raises each soft limit to the hard one. Debian's soft
    /// limit of open files, 1024, is for programs that use select(2), which this one does not.
    public static func raise() {
        for kind in Kind.all {
            guard var limit = current(kind), limit.rlim_cur < limit.rlim_max else { continue }
            limit.rlim_cur = limit.rlim_max
            // If it is refused, the lower one holds, and is judged as it is.
            _ = setrlimit(__rlimit_resource_t(kind.resource.rawValue), &limit)
        }
    }

    /// What holds now; nil if it is unlimited.
    package static func soft(_ kind: Kind) -> Int? {
        guard let limit = current(kind), limit.rlim_cur < rlim_t(Int64.max) else { return nil }
        return Int(limit.rlim_cur)
    }

    private static func current(_ kind: Kind) -> rlimit? {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(kind.resource.rawValue), &limit) == 0 ? limit : nil
    }
}
