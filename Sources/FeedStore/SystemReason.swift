import Foundation

/// Why a file could not be read or written, in the system's words. Foundation's own say little more than that something
/// failed.
package enum SystemReason {
    /// - Parameter error: as Foundation throws it.
    package static func text(_ error: any Error) -> String {
        var next: NSError? = error as NSError
        var depth = 0
        while let current = next, depth < 8 {
            if current.domain == NSPOSIXErrorDomain {
                return String(cString: strerror(Int32(truncatingIfNeeded: current.code)))
            }
            next = current.userInfo[NSUnderlyingErrorKey] as? NSError
            depth += 1
        }
        guard let error = error as? CocoaError else { return "\(error)" }
        return switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: String(cString: strerror(ENOENT))
        case .fileReadNoPermission, .fileWriteNoPermission: String(cString: strerror(EACCES))
        case .fileWriteOutOfSpace: String(cString: strerror(ENOSPC))
        case .fileWriteFileExists: String(cString: strerror(EEXIST))
        case .fileReadInapplicableStringEncoding, .fileReadCorruptFile: "it is no text in UTF-8"
        default: error.localizedDescription
        }
    }
}
