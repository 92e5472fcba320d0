import ExposureKeys

extension Roster {
    /// The signed text: one `name value` pair a line, in a fixed order.
    package var text: String {
        var lines = [KeytideNames.roster, "version \(version)"]
        lines.append("previous \(previous.map { Base64.encode($0.bytes) } ?? "-")")
        for hash in earlier { lines.append("earlier \(Base64.encode(hash.bytes))") }
        lines.append("issued \(issued)")
        lines.append("expires \(expires)")
        for region in regions {
            lines.append("region \(region.id)")
            lines.append("vi \(region.vietnameseName)")
            lines.append("en \(region.englishName)")
            lines.append("operator \(region.operatorName)")
            for key in region.keys { lines.append("key \(key.notBefore) \(key.notAfter) \(key.verifier.text)") }
            for one in region.certificates {
                lines.append("certificate \(one.notBefore) \(one.notAfter) \(Base64.encode(one.hash.bytes))")
            }
            for closure in region.closures {
                lines.append("closed \(closure.key.text)")
                for one in closure.standing {
                    lines.append("stands \(one.epoch) \(one.size) \(Base64.encode(one.root.bytes))")
                }
            }
            lines.append("public \(region.publicEndpoint)")
            lines.append("peer \(region.peerEndpoint)")
            if let successor = region.successor { lines.append("successor \(successor)") }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// Reads the signed text of a roster, line by line, and accepts only what `Roster.text` writes.
struct RosterParser {
    private var lines: RosterLines

    init(_ text: String) {
        lines = RosterLines(text, of: "roster")
    }

    mutating func roster() throws(FormatError) -> Roster {
        guard lines.first == KeytideNames.roster else {
            throw FormatError(.unknownFormat, "the note is no roster: its first line is not \(KeytideNames.roster)")
        }
        let version = UInt64(clamping: try lines.number("version"))
        let previousText = try lines.value("previous")
        let previous = previousText == "-" ? nil : try lines.hash(previousText)
        var earlier: [Hash256] = []
        while let text = lines.optional("earlier") { earlier.append(try lines.hash(text)) }
        let issued = try lines.number("issued")
        let expires = try lines.number("expires")
        var regions: [RosterRegion] = []
        while !lines.isAtEnd {
            let region = try self.region()
            if let last = regions.last, region.id <= last.id { throw lines.error("\(region.id) follows \(last.id)") }
            regions.append(region)
        }
        guard
            let roster = Roster(
                version: version,
                previous: previous,
                earlier: earlier,
                issued: issued,
                expires: expires,
                regions: regions
            )
        else { throw lines.error("version, predecessors, times, successors or regions contradict each other") }
        return roster
    }

    private mutating func region() throws(FormatError) -> RosterRegion {
        guard let id = Region(try lines.value("region")) else { throw lines.error("no valid region code") }
        let vietnamese = try lines.value("vi")
        let english = try lines.value("en")
        let operatorName = try lines.value("operator")
        var keys: [RosterRegion.Key] = []
        while let text = lines.optional("key") { keys.append(try key(text)) }
        var certificates: [RosterRegion.Certificate] = []
        while let text = lines.optional("certificate") { certificates.append(try lines.certificate(text)) }
        var closures: [RosterRegion.Closure] = []
        while let text = lines.optional("closed") { closures.append(try closure(text)) }
        let publicEndpoint = try lines.value("public")
        let peerEndpoint = try lines.value("peer")
        var successor: Region?
        if let text = lines.optional("successor") {
            successor = Region(text)
            if successor == nil { throw lines.error("no valid region code for a successor") }
        }
        guard
            let region = RosterRegion(
                id: id,
                vietnameseName: String(vietnamese),
                englishName: String(english),
                operatorName: String(operatorName),
                keys: keys,
                certificates: certificates,
                closures: closures,
                publicEndpoint: String(publicEndpoint),
                peerEndpoint: String(peerEndpoint),
                successor: successor
            )
        else {
            throw lines.error(
                "\(id) has no keys, too many keys, certificates or closures, a closed key that is also valid, itself as"
                    + " successor, or a text that is empty or too long"
            )
        }
        return region
    }

    private func key(_ text: Substring) throws(FormatError) -> RosterRegion.Key {
        let parts = RosterLines.parts(text)
        guard parts.count == 3, let notBefore = Int64(parts[0]), let notAfter = Int64(parts[1]),
            notBefore < notAfter, let verifier = NoteVerifier(parts[2])
        else { throw lines.error("a key is not 'from until name+hash+base64'") }
        return RosterRegion.Key(verifier: verifier, notBefore: notBefore, notAfter: notAfter)
    }

    private mutating func closure(_ text: Substring) throws(FormatError) -> RosterRegion.Closure {
        guard let key = NoteVerifier(text) else { throw lines.error("a closed key is not 'name+hash+base64'") }
        var standing: [RosterRegion.Closure.Standing] = []
        while let text = lines.optional("stands") {
            let parts = RosterLines.parts(text)
            guard parts.count == 3, let epoch = Epoch(hexadecimal: parts[0]), let size = UInt64(parts[1]),
                String(size) == parts[1]
            else {
                throw lines.error("what stands is not 'epoch size root'")
            }
            if let last = standing.last, epoch <= last.epoch {
                throw lines.error("epoch \(epoch) follows \(last.epoch)")
            }
            standing.append(.init(epoch: epoch, size: size, root: try lines.hash(parts[2])))
        }
        guard let closure = RosterRegion.Closure(key: key, standing: standing) else {
            throw lines.error("what stands under a closed key has a size out of its range")
        }
        return closure
    }
}
