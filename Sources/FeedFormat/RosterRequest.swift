public import ExposureKeys

/// What a region asks the authorities to list: signed by the key that is to be listed, so that nobody asks for a key that
/// he does not have, and by the key that it replaces, if it replaces one. docs/FEED-FORMAT.md, "Request".
public struct RosterRequest: Hashable, Sendable {
    public let region: Region
    public let operatorName: String
    /// The key to list.
    public let key: NoteVerifier
    /// The region's key that the new one replaces.
    public let replaced: NoteVerifier?
    /// The certificate to list, with the times for which it was made.
    public let certificate: RosterRegion.Certificate?
    public let publicEndpoint: String
    public let peerEndpoint: String

    /// - Returns: nil if a text is empty, longer than 200 bytes or holds a line break, if the key is not one with which a
    ///   region signs under its name, or replaces itself.
    public init?(
        region: Region,
        operatorName: String,
        key: NoteVerifier,
        replaced: NoteVerifier? = nil,
        certificate: RosterRegion.Certificate?,
        publicEndpoint: String,
        peerEndpoint: String
    ) {
        guard [operatorName, publicEndpoint, peerEndpoint].allSatisfy(RosterRegion.isLine),
            key.algorithm == .cosignature, key.name == KeytideNames.signer(region),
            replaced?.publicKey != key.publicKey, certificate.map({ $0.notBefore < $0.notAfter }) ?? true
        else { return nil }
        self.region = region
        self.operatorName = operatorName
        self.key = key
        self.replaced = replaced
        self.certificate = certificate
        self.publicEndpoint = publicEndpoint
        self.peerEndpoint = peerEndpoint
    }

    private static let mark = "keytide/request"
    private static let limit = 8192

    private var text: String {
        var lines = [RosterRequest.mark, "region \(region)", "operator \(operatorName)", "key \(key.text)"]
        if let replaced { lines.append("replaces \(replaced.text)") }
        if let certificate {
            let hash = Base64.encode(certificate.hash.bytes)
            lines.append("certificate \(certificate.notBefore) \(certificate.notAfter) \(hash)")
        }
        lines += ["public \(publicEndpoint)", "peer \(peerEndpoint)"]
        return lines.map { $0 + "\n" }.joined()
    }

    /// Signs the request.
    /// - Parameters:
    ///   - signer: the private key of `key`.
    ///   - former: that of `replaced`, if there is one.
    ///   - time: unix seconds.
    /// - Throws: `.wrongSignature` if these are other keys.
    public func signed(by signer: NoteSigner, and former: NoteSigner?, time: Int64) throws(FormatError) -> [UInt8] {
        guard signer.verifier == key, former?.verifier == replaced else {
            throw FormatError(.wrongSignature, "the request of \(region) is to be signed by the keys that it names")
        }
        var signatures = [try signer.sign(text, time: time)]
        if let former { signatures.append(try former.sign(text, time: time)) }
        return SignedNote.bytes(text: text, signatures: signatures)
    }

    /// Reads and verifies a request of at most 8192 bytes.
    public init(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
        let note = try SignedNote(bytes, limit: RosterRequest.limit)
        var lines = RosterLines(note.text, of: "request")
        guard lines.first == RosterRequest.mark else {
            throw FormatError(.unknownFormat, "the note is no request: its first line is not \(RosterRequest.mark)")
        }
        guard let region = Region(try lines.value("region")) else { throw lines.error("no valid region code") }
        let operatorName = try lines.value("operator")
        guard let key = NoteVerifier(try lines.value("key")) else { throw lines.error("the key is none") }
        var replaced: NoteVerifier?
        if let text = lines.optional("replaces") {
            replaced = NoteVerifier(text)
            if replaced == nil { throw lines.error("the key replaced is none") }
        }
        var certificate: RosterRegion.Certificate?
        if let text = lines.optional("certificate") { certificate = try lines.certificate(text) }
        let made = RosterRequest(
            region: region,
            operatorName: String(operatorName),
            key: key,
            replaced: replaced,
            certificate: certificate,
            publicEndpoint: String(try lines.value("public")),
            peerEndpoint: String(try lines.value("peer"))
        )
        guard let made, made.text == note.text else {
            throw FormatError(
                .malformedNote,
                "the request of \(region) is not in its one form, or its key not one of a region"
            )
        }
        for signer in [key, replaced].compactMap({ $0 }) { _ = try signer.verify(note) }
        self = made
    }
}
