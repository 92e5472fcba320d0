public import CKeytide
internal import ClientSync
internal import ExposureNotification

@c @implementation
public func keytide_add_sightings(
    _ phone: OpaquePointer?,
    _ sightings: UnsafePointer<keytide_sighting>?,
    _ count: Int,
    _ added: UnsafeMutablePointer<Int>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard (0...Encounter.maximumHeld).contains(count) else { throw PhoneFailure(SyncError.tooManyEncounters()) }
        guard unsafe sightings != nil || count == 0 else { throw PhoneFailure.null("sightings") }
        let given = unsafe UnsafeBufferPointer(start: sightings, count: count)
        var encounters: [Encounter] = []
        encounters.reserveCapacity(count)
        for position in 0..<count { encounters.append(try Encounter(unsafe given[position], position)) }
        let storage = handle.contents.storage
        let new = try waiting { [encounters] in try await storage.hold(encounters) }
        unsafe added?.pointee = new
    }
}

@c @implementation
public func keytide_add_scans(
    _ phone: OpaquePointer?,
    _ times: UnsafePointer<Int64>?,
    _ count: Int,
    _ added: UnsafeMutablePointer<Int>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard (0...ScanTimes.maximumHeld).contains(count) else {
            throw PhoneFailure(
                KEYTIDE_TOO_MANY,
                "\(ScanTimes.maximumHeld) times of scans at most; leave out days before the last 15"
            )
        }
        guard unsafe times != nil || count == 0 else { throw PhoneFailure.null("times") }
        let given = unsafe Array(UnsafeBufferPointer(start: times, count: count))
        if let position = given.firstIndex(where: { !PhoneTime.range.contains($0) }) {
            throw PhoneFailure(KEYTIDE_OUT_OF_RANGE, "scan \(position): its time is outside its range; none was kept")
        }
        let storage = handle.contents.storage
        let new = try waiting { await storage.hold(scanTimes: given) }
        unsafe added?.pointee = new
    }
}

@c @implementation
public func keytide_erase_sightings(_ phone: OpaquePointer?, _ erased: UnsafeMutablePointer<Int>?) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        let storage = handle.contents.storage
        let count = try waiting { await storage.eraseEncounters() }
        unsafe erased?.pointee = count
    }
}

extension Encounter {
    /// - Parameter position: among those given, for messages: nothing else of a sighting is ever repeated.
    fileprivate init(_ sighting: keytide_sighting, _ position: Int) throws {
        guard PhoneTime.range.contains(sighting.time), let schedule = Schedule(rawValue: sighting.schedule),
            let strength = SignalStrength(sighting, schedule),
            let identifier = unsafe withUnsafeBytes(of: sighting.identifier, { unsafe ProximityIdentifier(bytes: $0) })
        else {
            throw PhoneFailure(
                KEYTIDE_OUT_OF_RANGE,
                "sighting \(position): time, schedule, strength or level is outside its range; none was kept"
            )
        }
        self.init(time: sighting.time, identifier: identifier, schedule: schedule, strength: strength)
    }
}

extension SignalStrength {
    fileprivate init?(_ sighting: keytide_sighting, _ schedule: Encounter.Schedule) {
        let level = Int(sighting.level)
        switch Int32(sighting.strength) {
        case Int32(KEYTIDE_ATTENUATION) where SignalStrength.attenuations.contains(level): self = .attenuation(level)
        case Int32(KEYTIDE_RSSI) where SignalStrength.rssis.contains(level): self = .rssi(level)
        case Int32(KEYTIDE_RSSI_AND_METADATA)
        where SignalStrength.rssis.contains(level) && schedule == .exposureNotification:
            let (byte0, byte1, byte2, byte3) = sighting.metadata
            let metadata = [byte0, byte1, byte2, byte3].reduce(0) { $0 << 8 | UInt32($1) }
            self = .sealed(rssi: level, metadata: metadata)
        default: return nil
        }
    }
}
