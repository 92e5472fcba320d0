import FeedFormat

extension VectorWriter {
    /// Rosters with certificates, closed keys, retired regions, and earlier versions.
    mutating func writeRosterRegions() throws {
        let authorities = try (1...3).map { try Samples.authority($0) }
        let signed = { (text: String) in
            SignedNote.bytes(text: text, signatures: try authorities.map { try $0.sign(text, time: 0) })
        }
        let text = try Samples.fullRoster().text
        try add("roster/closed-key.bin", "certificates, closed keys, a retired region", try signed(text))
        let lines = text.split(separator: "\n").map { String($0) }
        let line = { (prefix: String) in lines.first { $0.hasPrefix(prefix) } ?? "" }
        let earlier = line("earlier ") + "\n"
        let certificate = line("certificate ") + "\n"
        let stands = line("stands ") + "\n"
        let closed = line("closed ").dropFirst("closed ".count)
        let key = line("key ")
        let cases: [(String, String, String)] = [
            ("few-earlier", "version 2 not named", text.replacing(earlier, with: "")),
            ("many-earlier", "more versions than there were", text.replacing(earlier, with: earlier + earlier)),
            (
                "certificate", "a certificate's hash too short",
                text.replacing(line("certificate "), with: "certificate 1 2 AAAA")
            ),
            (
                "certificates", "nine certificates",
                text.replacing(certificate, with: String(repeating: certificate, count: 8))
            ),
            ("closed-valid", "a closed key that is also valid", text.replacing(key, with: key + "\nkey 1 2 " + closed)),
            (
                "closed-twice", "a key closed twice",
                text.replacing("public https://VN-01", with: "closed \(closed)\npublic https://VN-01")
            ),
            ("stands-order", "an epoch twice", text.replacing(stands, with: stands + stands)),
            ("stands-size", "no batches stand", text.replacing(" 42 ", with: " 0 ")),
            ("stands-alone", "an epoch without a closed key", text.replacing("closed \(closed)\n", with: "")),
            ("retired", "no keys and no successor", text.replacing("successor VN-01\n", with: "")),
            ("successor", "a successor that is not listed", text.replacing("successor VN-01", with: "successor VN-03")),
            ("itself", "its own successor", text.replacing("successor VN-01", with: "successor VN-02")),
        ]
        for (name, about, text) in cases {
            try add("roster/bad-\(name).bin", about, try signed(text), error: .malformedNote)
        }
    }
}
