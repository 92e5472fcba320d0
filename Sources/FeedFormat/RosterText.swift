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
    private let lines: [Substring]
    private var position = 0

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: true)
    }

    mutating func roster() throws(FormatError) -> Roster {
        guard lines.first == KeytideNames.roster[...] else {
            throw FormatError(.unknownFormat, "the note is no roster: its first line is not \(KeytideNames.roster)")
        }
        position = 1
        let version = UInt64(clamping: try number("version"))
        let previousText = try value("previous")
        let previous = previousText == "-" ? nil : try hash(previousText)
        var earlier: [Hash256] = []
        while let text = optionalValue("earlier") { earlier.append(try hash(text)) }
        let issued = try number("issued")
        let expires = try number("expires")
        var regions: [RosterRegion] = []
        while position < lines.count {
            let region = try self.region()
            if let last = regions.last, region.id <= last.id { throw error("\(region.id) follows \(last.id)") }
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
        else { throw error("version, predecessors, times, successors or regions contradict each other") }
        return roster
    }

    private mutating func region() throws(FormatError) -> RosterRegion {
        guard let id = Region(try value("region")) else { throw error("no valid region code") }
        let vietnamese = try value("vi")
        let english = try value("en")
        let operatorName = try value("operator")
        var keys: [RosterRegion.Key] = []
        while let text = optionalValue("key") { keys.append(try key(text)) }
        var certificates: [RosterRegion.Certificate] = []
        while let text = optionalValue("certificate") { certificates.append(try certificate(text)) }
        var closures: [RosterRegion.Closure] = []
        while let text = optionalValue("closed") { closures.append(try closure(text)) }
        let publicEndpoint = try value("public")
        let peerEndpoint = try value("peer")
        var successor: Region?
        if let text = optionalValue("successor") {
            successor = Region(text)
            if successor == nil { throw error("no valid region code for a successor") }
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
            throw error(
                "\(id) has no keys, too many keys, certificates or closures, a closed key that is also valid, itself as"
                    + " successor, or a text that is empty or too long"
            )
        }
        return region
    }

    private func key(_ text: Substring) throws(FormatError) -> RosterRegion.Key {
        let parts = RosterParser.parts(text)
        guard parts.count == 3, let notBefore = Int64(parts[0]), let notAfter = Int64(parts[1]),
            notBefore < notAfter, let verifier = NoteVerifier(parts[2])
        else { throw error("a key is not 'from until name+hash+base64'") }
        return RosterRegion.Key(verifier: verifier, notBefore: notBefore, notAfter: notAfter)
    }

    private func certificate(_ text: Substring) throws(FormatError) -> RosterRegion.Certificate {
        let parts = RosterParser.parts(text)
        guard parts.count == 3, let notBefore = Int64(parts[0]), let notAfter = Int64(parts[1]), notBefore < notAfter
        else { throw error("a certificate is not 'from until hash'") }
        return RosterRegion.Certificate(hash: try hash(parts[2]), notBefore: notBefore, notAfter: notAfter)
    }

    private mutating func closure(_ text: Substring) throws(FormatError) -> RosterRegion.Closure {
        guard let key = NoteVerifier(text) else { throw error("a closed key is not 'name+hash+base64'") }
        var standing: [RosterRegion.Closure.Standing] = []
        while let text = optionalValue("stands") {
            let parts = RosterParser.parts(text)
            guard parts.count == 3, let epoch = Epoch(hexadecimal: parts[0]), let size = UInt64(parts[1]),
                String(size) == parts[1]
            else {
                throw error("what stands is not 'epoch size root'")
            }
            if let last = standing.last, epoch <= last.epoch { throw error("epoch \(epoch) follows \(last.epoch)") }
            standing.append(.init(epoch: epoch, size: size, root: try hash(parts[2])))
        }
        guard let closure = RosterRegion.Closure(key: key, standing: standing) else {
            throw error("what stands under a closed key has a size out of its range")
        }
        return closure
    }

    private func hash(_ text: some StringProtocol) throws(FormatError) -> Hash256 {
        guard let hash = Base64.decode(text).flatMap({ Hash256(bytes: $0) }) else {
            throw error("a hash is not 32 bytes in base64")
        }
        return hash
    }

    /// Three values with a space between them.
    private static func parts(_ text: Substring) -> [String] {
        text.unicodeScalars.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
    }

    private mutating func value(_ name: String) throws(FormatError) -> Substring {
        guard let value = optionalValue(name) else { throw error("a line '\(name) …' belongs here") }
        return value
    }

    private mutating func optionalValue(_ name: String) -> Substring? {
        // By code point: a value may begin with a mark that Swift would join to the space before it.
        guard position < lines.count, lines[position].unicodeScalars.starts(with: (name + " ").unicodeScalars) else {
            return nil
        }
        defer { position += 1 }
        return Substring(lines[position].unicodeScalars.dropFirst(name.unicodeScalars.count + 1))
    }

    private mutating func number(_ name: String) throws(FormatError) -> Int64 {
        let text = try value(name)
        guard let number = Int64(text), number >= 0, String(number) == text else {
            throw error("\(name) is not a whole number")
        }
        return number
    }

    private func error(_ reason: String) -> FormatError {
        FormatError(.malformedNote, "roster, line \(position + 1): \(reason)")
    }
}
