import ExposureKeys

/// Who may sign the roster, and how many of them must: what a node and a phone are given once, by hand.
public struct RosterAuthorities: Hashable, Sendable {
    /// Distinct keys, at least one.
    public let verifiers: [NoteVerifier]
    /// How many of them must sign, 1 to their number.
    public let threshold: Int

    /// - Returns: nil if the threshold cannot be met or there are more than 64 keys.
    public init?(verifiers: [NoteVerifier], threshold: Int) {
        let distinct = verifiers.enumerated().allSatisfy { offset, verifier in
            !verifiers.prefix(offset).contains { $0.publicKey == verifier.publicKey }
        }
        guard distinct, verifiers.count <= FormatLimits.signaturesPerNote, threshold >= 1, threshold <= verifiers.count
        else { return nil }
        self.verifiers = verifiers
        self.threshold = threshold
    }

    /// Reads the text form: a line `threshold K`, then one key `name+hash+base64` a line. Empty lines and lines that
    /// begin with `#` are passed over; ends of line, and blanks before them, are as an editor has left them.
    public init(text: String) throws(FormatError) {
        var verifiers: [NoteVerifier] = []
        var threshold: Int?
        for (number, line) in EditedText.lines(text).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            if threshold == nil {
                guard line.hasPrefix("threshold "), let value = Int(line.dropFirst("threshold ".count)) else {
                    throw FormatError(.malformedNote, "authorities, line \(number + 1): 'threshold K' belongs here")
                }
                threshold = value
            } else {
                guard let verifier = NoteVerifier(line) else {
                    throw FormatError(
                        .malformedNote,
                        "authorities, line \(number + 1): this is no key 'name+hash+base64'"
                    )
                }
                verifiers.append(verifier)
            }
        }
        guard let authorities = RosterAuthorities(verifiers: verifiers, threshold: threshold ?? 0) else {
            throw FormatError(
                .malformedNote,
                "authorities: \(verifiers.count.counted("key")) with threshold \(threshold ?? 0); distinct keys and 1 to that many are needed"
            )
        }
        self = authorities
    }

    /// The text form.
    public var text: String {
        (["threshold \(threshold)"] + verifiers.map(\.text)).map { $0 + "\n" }.joined()
    }
}

extension Roster {
    /// Reads and verifies a roster; see `init(_:authorities:threshold:now:)`.
    public init(_ bytes: ArraySlice<UInt8>, authorities: RosterAuthorities, now: Int64) throws(FormatError) {
        try self.init(bytes, authorities: authorities.verifiers, threshold: authorities.threshold, now: now)
    }
}
