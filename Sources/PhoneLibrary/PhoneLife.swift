public import CKeytide
internal import ClientSync
internal import ExposureKeys
internal import FeedFormat

// The functions of keytide.h that make and end a handle. What each of them takes and returns is said there, for these
// and for those in the other files.

@c @implementation
public func keytide_version() -> CInt { KEYTIDE_VERSION }

@c @implementation
public func keytide_code_text(_ code: CInt) -> UnsafePointer<CChar> {
    let text: StaticString =
        switch UInt32(bitPattern: code) {
        case KEYTIDE_OK.rawValue: "done"
        case KEYTIDE_NULL_ARGUMENT.rawValue: "a pointer that is needed is NULL"
        case KEYTIDE_OUT_OF_RANGE.rawValue: "an argument lies outside its range"
        case KEYTIDE_BUSY.rawValue: "another call of this handle is under way"
        case KEYTIDE_CANCELLED.rawValue: "cancelled; what was verified is kept"
        case KEYTIDE_NO_ANSWER.rawValue: "the node did not answer"
        case KEYTIDE_BAD_NODE.rawValue: "what the node answered does not verify; try another node"
        case KEYTIDE_BAD_STATE.rawValue: "the state does not open, or is damaged"
        case KEYTIDE_NOTHING.rawValue: "there is no such thing yet"
        case KEYTIDE_TOO_SMALL.rawValue: "the buffer is too small"
        case KEYTIDE_TOO_MANY.rawValue: "more than a limit allows"
        case KEYTIDE_REFUSED.rawValue: "a callback of the app refused"
        case KEYTIDE_FAILED.rawValue: "it failed"
        default: "no code of this version"
        }
    return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func keytide_create(
    _ options: UnsafePointer<keytide_options>?,
    _ phone: UnsafeMutablePointer<OpaquePointer?>?,
    _ message: UnsafeMutablePointer<CChar>?,
    _ messageSize: Int
) -> keytide_code {
    var failure: PhoneFailure?
    if let phone = unsafe phone {
        unsafe phone.pointee = nil
        do {
            guard let options = unsafe options else { throw PhoneFailure.null("options") }
            let handle = PhoneHandle(options: try unsafe SyncOptions(options.pointee), contents: PhoneContents())
            unsafe phone.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
        } catch {
            failure = PhoneFailure(error)
        }
    } else {
        failure = .null("phone")
    }
    unsafe CText.write(failure?.message ?? "", to: message, messageSize)
    return failure?.code ?? KEYTIDE_OK
}

@c @implementation
public func keytide_free(_ phone: OpaquePointer?) {
    guard let phone = unsafe phone else { return }
    unsafe Unmanaged<PhoneHandle>.fromOpaque(UnsafeRawPointer(phone)).release()
}

@c @implementation
public func keytide_message(_ phone: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
    guard let handle = unsafe PhoneHandle.at(phone) else { return 0 }
    let message = handle.message
    unsafe CText.write(message, to: buffer, size)
    return message.utf8.count + 1
}

extension PhoneHandle {
    /// - Parameter pointer: one that `keytide_create` gave and `keytide_free` has not ended.
    static func at(_ pointer: OpaquePointer?) -> PhoneHandle? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe Unmanaged<PhoneHandle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    /// Runs a call of the handle at a pointer.
    static func call(_ pointer: OpaquePointer?, _ body: (PhoneHandle) throws -> Void) -> keytide_code {
        guard let handle = unsafe PhoneHandle.at(pointer) else { return KEYTIDE_NULL_ARGUMENT }
        return handle.exclusively { try body(handle) }
    }
}

extension SyncOptions {
    fileprivate init(_ options: keytide_options) throws {
        guard let authorities = unsafe options.authorities else { throw PhoneFailure.null("options.authorities") }
        let read: RosterAuthorities
        do throws(FormatError) {
            read = try RosterAuthorities(text: unsafe String(cString: authorities))
        } catch {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, error.reason)
        }
        let witnesses = unsafe Int(options.witnesses)
        guard (0...SyncOptions.maximumWitnesses).contains(witnesses) else {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "witnesses: 0 to \(SyncOptions.maximumWitnesses)")
        }
        let regions = try unsafe options.regions.map { codes in
            try unsafe String(cString: codes).split(separator: ",").map { code in
                guard let region = Region(code) else {
                    throw PhoneFailure(
                        KEYTIDE_OUT_OF_RANGE,
                        "regions: one of them is none; write codes like VN-01, separated by commas"
                    )
                }
                return region
            }
        }
        self.init(authorities: read, regions: regions, witnesses: witnesses)
    }
}
