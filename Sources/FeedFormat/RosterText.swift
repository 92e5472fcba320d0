import ExposureKeys

extension Roster {
    /// The signed text: one `name value` pair a line, in a fixed order.
    package var text: String {
        var lines = [KeytideNames.roster, "version \(version)"]
        lines.append("previous \(previous.map { Base64.encode($0.bytes) } ?? "-")")
        lines.append("issued \(issued)")
        lines.append("expires \(expires)")
        for region in regions {
            lines.append("region \(region.id)")
            lines.append("vi \(region.vietnameseName)")
            lines.append("en \(region.englishName)")
            lines.append("operator \(region.operatorName)")
            for key in region.keys { lines.append("key \(key.notBefore) \(key.notAfter) \(key.verifier.text)") }
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
        let previous = Base64.decode(previousText).flatMap { Hash256(bytes: $0) }
        guard previous != nil || previousText == "-" else {
            throw error("the hash of the previous version is malformed")
        }
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
                issued: issued,
                expires: expires,
                regions: regions
            )
        else { throw error("version, predecessor, times or regions contradict each other") }
        return roster
    }

    private mutating func region() throws(FormatError) -> RosterRegion {
        guard let id = Region(try value("region")) else { throw error("no valid region code") }
        let vietnamese = try value("vi")
        let english = try value("en")
        let operatorName = try value("operator")
        var keys: [RosterRegion.Key] = []
        while let text = optionalValue("key") { keys.append(try key(text)) }
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
                publicEndpoint: String(publicEndpoint),
                peerEndpoint: String(peerEndpoint),
                successor: successor
            )
        else { throw error("\(id) has no keys, too many, or a text that is empty or too long") }
        return region
    }

    private func key(_ text: Substring) throws(FormatError) -> RosterRegion.Key {
        let parts = text.unicodeScalars.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            .map { String($0) }
        guard parts.count == 3, let notBefore = Int64(parts[0]), let notAfter = Int64(parts[1]),
            notBefore < notAfter, let verifier = NoteVerifier(parts[2])
        else { throw error("a key is not 'from until name+hash+base64'") }
        return RosterRegion.Key(verifier: verifier, notBefore: notBefore, notAfter: notAfter)
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
