import ExposureKeys
import FeedFormat

/// The next roster in the making: the regions of the one before, and what is to be changed about them.
struct RosterDraft {
    private(set) var regions: [RosterRegion]
    private var closing: [(region: Region, closure: RosterRegion.Closure)] = []
    /// Unix seconds.
    let issued: Int64
    /// Keys listed now end so many days after.
    let keyDays: Int
    /// A replaced key still counts for so many days.
    let overlapDays: Int

    init(regions: [RosterRegion], issued: Int64, keyDays: Int, overlapDays: Int) {
        self.regions = regions
        self.issued = issued
        self.keyDays = keyDays
        self.overlapDays = overlapDays
    }

    /// - Parameter names: Vietnamese and English; needed for a region that is not listed yet.
    mutating func take(_ request: RosterRequest, names: (vi: String, en: String)?) throws {
        let key = RosterRegion.Key(
            verifier: request.key,
            notBefore: issued,
            notAfter: issued + Int64(keyDays) * 86_400
        )
        guard let entry = regions.first(where: { $0.id == request.region }) else {
            guard let names else {
                throw CommandError("\(request.region) is new and no province: give --name '\(request.region)=vi=en'")
            }
            guard request.replaced == nil else {
                throw CommandError("the request of \(request.region) replaces a key, but the region is not listed")
            }
            return try put(entry(request, names: names, keys: [key], certificates: [], closures: [], successor: nil))
        }
        guard entry.successor == nil else {
            throw CommandError("\(request.region) is retired: its successor publishes in its place")
        }
        let keys: [RosterRegion.Key]
        if let listed = entry.keys.first(where: { $0.verifier == request.key }), request.replaced == nil {
            try refuseNothingNew(request, signedBy: listed, of: entry)
            keys = entry.keys.filter(isNeeded)
        } else {
            let kept = try remainingKeys(of: entry, replacedBy: request)
            try refuseTooManyKeys(beside: kept, of: entry.id)
            keys = kept + [key]
        }
        let names = names ?? (entry.vietnameseName, entry.englishName)
        try put(
            self.entry(
                request,
                names: names,
                keys: keys,
                certificates: remainingCertificates(of: entry, beside: request),
                closures: entry.closures,
                successor: nil
            )
        )
    }

    /// Those that stay: the one in use still counts for a while beside a new one.
    private func remainingCertificates(
        of entry: RosterRegion,
        beside request: RosterRequest
    ) -> [RosterRegion.Certificate] {
        let end = issued + Int64(overlapDays) * 86_400
        return entry.certificates.filter { $0.notAfter > issued && $0.hash != request.certificate?.hash }
            .map { old in
                RosterRegion.Certificate(
                    hash: old.hash,
                    notBefore: old.notBefore,
                    notAfter: request.certificate == nil ? old.notAfter : max(old.notBefore + 1, min(old.notAfter, end))
                )
            }
    }

    /// A request that is signed by a key that is listed asks for another certificate, or other addresses.
    private func refuseNothingNew(
        _ request: RosterRequest,
        signedBy key: RosterRegion.Key,
        of entry: RosterRegion
    ) throws {
        guard key.notBefore <= issued, issued < key.notAfter else {
            throw CommandError("the request of \(request.region) is signed by a key that is not valid now")
        }
        let isListed = request.certificate.map { new in entry.certificates.contains { $0.hash == new.hash } } ?? true
        guard
            !isListed || request.publicEndpoint != entry.publicEndpoint || request.peerEndpoint != entry.peerEndpoint
                || request.operatorName != entry.operatorName
        else { throw CommandError("\(request.region) has this key and certificate already: nothing is to be done") }
        if let new = request.certificate, new.notAfter <= issued {
            throw CommandError("the certificate in the request of \(request.region) has ended: have one made anew")
        }
    }

    /// A batch counts as long as the roster lists the key that signed it, and is kept for 15 days, in which the key may
    /// have ended. So a key stays listed for a day more.
    private func isNeeded(_ key: RosterRegion.Key) -> Bool { key.notAfter + 16 * 86_400 > issued }

    private func refuseTooManyKeys(beside kept: [RosterRegion.Key], of region: Region) throws {
        guard kept.count >= FormatLimits.keysPerRegion, let next = kept.map(\.notAfter).min() else { return }
        throw CommandError(
            "\(region) has \(kept.count.counted("key")) under which batches may still be kept, no more can be listed: rotate after "
                + RosterTable.time(next + 16 * 86_400)
        )
    }

    /// The keys that stay: the one replaced signs for a while, and all go on counting for what they have signed.
    private func remainingKeys(of entry: RosterRegion, replacedBy request: RosterRequest) throws -> [RosterRegion.Key] {
        guard !entry.keys.contains(where: { $0.verifier.publicKey == request.key.publicKey }) else {
            throw CommandError("\(request.region) has this key already: nothing is to be done")
        }
        guard let replaced = request.replaced else {
            guard closing.contains(where: { $0.region == entry.id }) else {
                throw CommandError(
                    "\(request.region) is listed, and the request is not signed by its present key: use 'keytide region "
                        + "rotate', or close the present key with --close"
                )
            }
            // Those that are closed in this draft make room.
            return entry.keys.filter { key in
                isNeeded(key) && !closing.contains { $0.closure.key.publicKey == key.verifier.publicKey }
            }
        }
        guard entry.keys.contains(where: { $0.verifier == replaced }) else {
            throw CommandError("the request of \(request.region) replaces a key that the roster does not list")
        }
        let end = issued + Int64(overlapDays) * 86_400
        return entry.keys.compactMap { key in
            guard isNeeded(key) else { return nil }
            guard key.verifier == replaced else { return key }
            return RosterRegion.Key(
                verifier: key.verifier,
                notBefore: key.notBefore,
                notAfter: max(key.notBefore + 1, min(key.notAfter, end))
            )
        }
    }

    private func entry(
        _ request: RosterRequest,
        names: (vi: String, en: String),
        keys: [RosterRegion.Key],
        certificates: [RosterRegion.Certificate],
        closures: [RosterRegion.Closure],
        successor: Region?
    ) -> RosterRegion? {
        RosterRegion(
            id: request.region,
            vietnameseName: names.vi,
            englishName: names.en,
            operatorName: request.operatorName,
            keys: keys,
            certificates: certificates + [request.certificate].compactMap { $0 },
            closures: closures,
            publicEndpoint: request.publicEndpoint,
            peerEndpoint: request.peerEndpoint,
            successor: successor
        )
    }

    /// Retires a region. Its keys go on counting for what they have signed until they end, soon.
    mutating func retire(_ id: Region, into successor: Region) throws {
        guard regions.contains(where: { $0.id == successor && $0.successor == nil }) else {
            throw CommandError("\(id) cannot be retired into \(successor): that is not listed, or retired itself")
        }
        let end = issued + Int64(overlapDays) * 86_400
        try change(id) { entry in
            let keys = entry.keys.map { key in
                let end = max(key.notBefore + 1, min(key.notAfter, end))
                return RosterRegion.Key(verifier: key.verifier, notBefore: key.notBefore, notAfter: end)
            }
            return entry.with(keys: keys, closures: entry.closures, successor: successor)
        }
        // Whoever was retired into this one before is retired into its successor now.
        for other in regions where other.successor == id {
            try change(other.id) { $0.with(keys: $0.keys, closures: $0.closures, successor: successor) }
        }
    }

    /// Gives a region the names that it bears from now on.
    mutating func rename(_ id: Region, _ names: (vi: String, en: String)) throws {
        try change(id) { entry in
            RosterRegion(
                id: entry.id,
                vietnameseName: names.vi,
                englishName: names.en,
                operatorName: entry.operatorName,
                keys: entry.keys,
                certificates: entry.certificates,
                closures: entry.closures,
                publicEndpoint: entry.publicEndpoint,
                peerEndpoint: entry.peerEndpoint,
                successor: entry.successor
            )
        }
    }

    /// Closes a key that others have got hold of. Its region goes on if it has, or in this draft gets, another key; see
    /// `finishClosures`.
    mutating func close(_ key: NoteVerifier, standing: [RosterRegion.Closure.Standing]) throws {
        guard let owner = regions.first(where: { $0.keys.contains { $0.verifier == key } }) else {
            throw CommandError("no region lists the key \(key.text): nothing is to be closed")
        }
        guard let closure = RosterRegion.Closure(key: key, standing: standing) else {
            throw CommandError("--stands names an epoch twice, or a number of batches that no feed has")
        }
        closing.append((owner.id, closure))
    }

    /// Closes the keys, now that the requests of their regions have been taken.
    mutating func finishClosures() throws {
        for (id, closure) in closing {
            try change(id) { entry in
                entry.with(
                    keys: entry.keys.filter { $0.verifier.publicKey != closure.key.publicKey },
                    closures: entry.closures + [closure],
                    successor: entry.successor
                )
            }
        }
        closing = []
    }

    /// Leaves out a retired region, whose batches have all been dropped by now.
    mutating func drop(_ id: Region) throws {
        guard let entry = regions.first(where: { $0.id == id }), entry.successor != nil,
            !entry.keys.contains(where: isNeeded)
        else {
            throw CommandError("\(id) cannot be left out: it must have been retired, its keys ended 16 days ago")
        }
        regions.removeAll { $0.id == id }
    }

    private mutating func change(_ id: Region, _ body: (RosterRegion) -> RosterRegion?) throws {
        guard let entry = regions.first(where: { $0.id == id }) else { throw CommandError("\(id) is not listed") }
        try put(body(entry), for: id)
    }

    private mutating func put(_ entry: RosterRegion?, for id: Region? = nil) throws {
        guard let entry else {
            throw CommandError(
                "\(id.map { "\($0)" } ?? "the region") cannot be listed so: a region needs a key (have a new one "
                    + "asked for, if its last is closed), 8 keys and certificates at most, and another region as successor"
            )
        }
        regions.removeAll { $0.id == entry.id }
        regions.append(entry)
    }
}
