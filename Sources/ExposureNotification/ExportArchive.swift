import Crypto
public import ExposureKeys

/// A diagnosis-key export archive of the Exposure Notification system, read.
///
/// A ZIP of exactly `export.bin` (a 16-byte header and the message `TemporaryExposureKeyExport`) and `export.sig`
/// (`TEKSignatureList`: ECDSA over P-256 and SHA-256 of the whole `export.bin`). Source: Google's and Apple's "Exposure
/// Key export file format and verification", and the schema in google/exposure-notifications-server.
public struct ExportArchive: Sendable {
    /// Start of the window in which the keys arrived at the publisher, unix seconds; 0 if absent.
    public let start: Int64
    /// End of that window, unix seconds; 0 if absent.
    public let end: Int64
    /// The publisher's name for its region, for example `DE` or `222`: not a `Region` of this project.
    public let region: String
    /// Ordinal of this file among `batchSize` files of one window, from 1.
    public let batchNumber: Int
    public let batchSize: Int
    public let signatureInfos: [SignatureInfo]
    /// The valid keys in file order: the new ones, then the `revisedCount` revised ones. Report types are as given,
    /// `unknown` where the file gives none.
    public let keys: [DiagnosisKey]
    /// How many of `keys`, at their end, were published before and now have another report type.
    public let revisedCount: Int
    /// Entries that are no valid keys.
    public let rejected: [RejectedKey]

    private let signatures: [ExportSignature]
    private let digest: SHA256.Digest

    /// Opens an archive and checks who made it. The way to take keys in: nothing but the ZIP level and `export.sig` is
    /// interpreted before the signature is known to be good.
    /// - Throws: `wrongSignature`, `noSignature`, and what `open(_:limits:)` throws.
    public static func open(
        _ bytes: [UInt8],
        verifiedWith key: ExportVerificationKey,
        limits: ExportLimits = .standard
    ) throws(ExportError) -> ExportArchive {
        try ExportArchive(bytes, key: key, limits: limits)
    }

    /// Opens an archive without knowing who made it, to look at it. Call `verify(with:)` before the keys are used.
    /// - Throws: `notAnArchive`, `truncated`, `unsupportedArchive`, `memberMissing`, `memberUnexpected`,
    ///   `memberCorrupt`, `tooLarge`, `notAnExport`, `malformedMessage`.
    public static func open(
        _ bytes: [UInt8],
        limits: ExportLimits = .standard
    ) throws(ExportError) -> ExportArchive {
        try ExportArchive(bytes, key: nil, limits: limits)
    }

    /// - Throws: `noSignature`, `wrongSignature`.
    public func verify(with key: ExportVerificationKey) throws(ExportError) {
        try key.check(signatures, over: digest)
    }

    /// Whether both were made of the same `export.bin`, byte for byte, whoever signed it.
    public func hasSameExportFile(as other: ExportArchive) -> Bool { digest == other.digest }

    private init(_ bytes: [UInt8], key: ExportVerificationKey?, limits: ExportLimits) throws(ExportError) {
        let members = try ExportMembers(bytes, limits: limits)
        try ExportMessage.checkHeader(of: members.export)
        signatures = try ExportSignature.list(members.signatures, limits: limits)
        digest = SHA256.hash(data: members.export)
        if let key { try key.check(signatures, over: digest) }
        let message = try ExportMessage(members.export, limits: limits)
        start = message.start
        end = message.end
        region = message.region
        batchNumber = Int(message.batchNumber)
        batchSize = Int(message.batchSize)
        signatureInfos = message.signatureInfos
        keys = message.revisedKeys.isEmpty ? message.keys : message.keys + message.revisedKeys
        revisedCount = message.revisedKeys.count
        rejected = message.rejected
    }
}

/// The two members of an export archive, inflated.
struct ExportMembers {
    static let exportName = "export.bin"
    static let signaturesName = "export.sig"

    let export: [UInt8]
    let signatures: [UInt8]

    init(_ bytes: [UInt8], limits: ExportLimits) throws(ExportError) {
        let zip = try ZipReader(bytes, maximumMembers: 2)
        for member in zip.members where ![Self.exportName, Self.signaturesName].contains(member.name) {
            throw ExportError(.memberUnexpected, "the archive holds \(member.name); refuse it")
        }
        let export = try Self.only(Self.exportName, of: zip)
        let signatures = try Self.only(Self.signaturesName, of: zip)
        guard export.size + signatures.size <= limits.inflatedBytes else {
            throw ExportError(
                .tooLarge,
                "its members declare \(export.size) + \(signatures.size.counted("byte")), over \(limits.inflatedBytes); refuse"
            )
        }
        self.export = try zip.content(of: export)
        self.signatures = try zip.content(of: signatures)
    }

    private static func only(_ name: String, of zip: ZipReader) throws(ExportError) -> ZipReader.Member {
        let found = zip.members.filter { $0.name == name }
        guard found.count <= 1 else {
            throw ExportError(.memberUnexpected, "the archive holds \(name) twice; refuse it")
        }
        guard let member = found.first else {
            throw ExportError(.memberMissing, "the archive has no \(name); check what was fetched")
        }
        return member
    }
}
