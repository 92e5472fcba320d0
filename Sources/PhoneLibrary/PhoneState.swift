public import CKeytide
internal import ClientSync
internal import FeedFormat
internal import Foundation

@c @implementation
public func keytide_save(
    _ phone: OpaquePointer?,
    _ key: UnsafePointer<UInt8>?,
    _ write: keytide_write?,
    _ context: UnsafeMutableRawPointer?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let key = unsafe key else { throw PhoneFailure.null("key") }
        guard let write = unsafe write else { throw PhoneFailure.null("write") }
        let sealing = unsafe StateSealing(key: UnsafeRawBufferPointer(start: key, count: StateSealing.keyBytes))
        let contents = handle.contents
        let state = try waiting { await contents.storage.state() }
        let sealed = try sealing.seal(try StateFile(state: state, schedule: contents.schedule).bytes())
        let answer = unsafe sealed.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe write(context, $0, bytes.count) }
        }
        guard answer == 0 else {
            throw PhoneFailure(
                KEYTIDE_REFUSED,
                "the app's callback did not keep the state; what it kept before is older"
            )
        }
    }
}

@c @implementation
public func keytide_load(
    _ phone: OpaquePointer?,
    _ key: UnsafePointer<UInt8>?,
    _ bytes: UnsafePointer<UInt8>?,
    _ count: Int
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let key = unsafe key else { throw PhoneFailure.null("key") }
        guard let bytes = unsafe bytes else { throw PhoneFailure.null("bytes") }
        guard (0...StateSealing.maximumBytes).contains(count) else {
            throw PhoneFailure(KEYTIDE_BAD_STATE, "a state has at most \(StateSealing.maximumBytes) bytes")
        }
        let sealing = unsafe StateSealing(key: UnsafeRawBufferPointer(start: key, count: StateSealing.keyBytes))
        guard let plain = unsafe sealing.open(UnsafeRawBufferPointer(start: bytes, count: count)) else {
            throw PhoneFailure(
                KEYTIDE_BAD_STATE,
                "the state does not open under this key: another key, another version, or damaged; begin anew"
            )
        }
        let file = try StateFile(bytes: plain)
        handle.contents = PhoneContents(storage: MemoryDeviceStorage(file.state), schedule: file.schedule)
    }
}

/// What is sealed: u32 with the size of the schedule, the schedule as JSON, the state.
struct StateFile {
    let state: DeviceState
    let schedule: SyncSchedule

    init(state: DeviceState, schedule: SyncSchedule) {
        self.state = state
        self.schedule = schedule
    }

    func bytes() throws -> [UInt8] {
        let json = try JSONEncoder().encode(schedule)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(json.count))
        return bytes + json + (try state.bytes())
    }

    init(bytes: [UInt8]) throws(FormatError) {
        var reader = ByteReader(bytes[...], reading: "state")
        let json = try reader.take(Int(try reader.uint32()))
        guard let schedule = try? JSONDecoder().decode(SyncSchedule.self, from: Data(json)) else {
            throw FormatError(.outOfRange, "state: the schedule is not one that this version makes")
        }
        self.schedule = schedule
        state = try DeviceState(bytes: Array(bytes[reader.position...]))
    }
}
