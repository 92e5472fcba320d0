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
        guard (0...Encounter.maximumHeld).contains(count) else {
            throw PhoneFailure(
                KEYTIDE_TOO_MANY,
                "\(Encounter.maximumHeld) sightings at once at most; none was kept: leave out days before the last 15"
            )
        }
        guard unsafe sightings != nil || count == 0 else { throw PhoneFailure.null("sightings") }
        let given = unsafe UnsafeBufferPointer(start: sightings, count: count)
        var encounters: [Encounter] = []
        encounters.reserveCapacity(count)
        var wrong: [Int] = []
        for position in 0..<count {
            if let encounter = Encounter(unsafe given[position]) {
                encounters.append(encounter)
            } else {
                wrong.append(position)
            }
        }
        let storage = handle.contents.storage
        let new = try waiting { [encounters] in try await storage.hold(encounters) }
        unsafe added?.pointee = new
        if let first = wrong.first {
            throw PhoneFailure(
                KEYTIDE_OUT_OF_RANGE,
                """
                \(wrong.count) of \(count) not kept, the first of them sighting \(first): time, schedule, strength or level is \
                outside its range; the others are kept
                """
            )
        }
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
        let storage = handle.contents.storage
        // Times outside the range are passed over.
        let new = try waiting { await storage.hold(scanTimes: given) }
        unsafe added?.pointee = new
        if let position = given.firstIndex(where: { !PhoneTime.range.contains($0) }) {
            throw PhoneFailure(
                KEYTIDE_OUT_OF_RANGE,
                "scan \(position) is outside the range of times and was not kept; those within it are kept"
            )
        }
    }
}

@c @implementation
public func keytide_log_counts(
    _ phone: OpaquePointer?,
    _ now: Int64,
    _ counts: UnsafeMutablePointer<keytide_log>?
) -> keytide_code {
    unsafe PhoneHandle.call(phone) { handle in
        guard let counts = unsafe counts else { throw PhoneFailure.null("counts") }
        try PhoneTime.check(now)
        let storage = handle.contents.storage
        let (log, latest, scans) = try waiting {
            (await storage.encounterLog(), try await storage.latestTime(now: now), await storage.scanTimes().count)
        }
        unsafe counts.pointee = keytide_log(
            sightings: UInt64(log.encounters.count),
            set_aside: UInt64(log.waiting(after: latest)),
            lost: UInt64(clamping: log.lost),
            scans: UInt64(scans)
        )
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
    /// - Returns: nil if something of it is outside its range.
    fileprivate init?(_ sighting: keytide_sighting) {
        guard PhoneTime.range.contains(sighting.time), let schedule = Schedule(rawValue: sighting.schedule),
            let strength = SignalStrength(sighting, schedule),
            let identifier = unsafe withUnsafeBytes(of: sighting.identifier, { unsafe ProximityIdentifier(bytes: $0) })
        else { return nil }
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
