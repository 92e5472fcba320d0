public import ExposureKeys

/// Writes export archives as publishers do: keys sorted by their bytes, which unlinks the keys of one person, both
/// members deflated, `export.sig` first.
///
/// The same input gives the same `export.bin`; the signature differs each time, since ECDSA takes a random number.
public struct ExportArchiveWriter: Sendable {
    /// The window in which the keys arrived, unix seconds.
    public var start: Int64
    public var end: Int64
    /// The publisher's name for its region, at most 256 bytes.
    public var region: String
    /// The labels of the signing key.
    public var signatureInfo: SignatureInfo
    /// Ordinal of this file among `batchSize` files of the window, from 1.
    public var batchNumber: Int32
    public var batchSize: Int32

    public init(
        start: Int64,
        end: Int64,
        region: String,
        signatureInfo: SignatureInfo,
        batchNumber: Int32 = 1,
        batchSize: Int32 = 1
    ) {
        self.start = start
        self.end = end
        self.region = region
        self.signatureInfo = signatureInfo
        self.batchNumber = batchNumber
        self.batchSize = batchSize
    }

    /// The whole archive.
    /// - Parameters:
    ///   - keys: keys published for the first time, in any order.
    ///   - revised: keys published before and now of another report type, in any order.
    /// - Throws: `notRepresentable` for values that the format cannot hold, `internalFailure`.
    public func archive(
        of keys: [DiagnosisKey],
        revised: [DiagnosisKey] = [],
        signedWith key: ExportSigningKey
    ) throws(ExportError) -> [UInt8] {
        let export = try exportFile(of: keys, revised: revised)
        let signature = ExportSignature(
            info: signatureInfo,
            batchNumber: batchNumber,
            batchSize: batchSize,
            der: try key.signature(over: export)
        )
        return try ZipWriter.archive(of: [
            (name: ExportMembers.signaturesName, content: signature.encodedAlone),
            (name: ExportMembers.exportName, content: export),
        ])
    }

    /// The bytes of `export.bin` alone, which is what is signed.
    /// - Throws: `notRepresentable`.
    public func exportFile(of keys: [DiagnosisKey], revised: [DiagnosisKey] = []) throws(ExportError) -> [UInt8] {
        guard start >= 0, end >= start else {
            throw ExportError(.notRepresentable, "the window \(start) to \(end) is none")
        }
        guard ([region] + signatureInfo.labels).allSatisfy({ $0.utf8.count <= MessageReader.longestText }) else {
            throw ExportError(.notRepresentable, "a label is longer than \(MessageReader.longestText) bytes")
        }
        var message = ExportMessage()
        message.start = start
        message.end = end
        message.region = region
        message.batchNumber = batchNumber
        message.batchSize = batchSize
        message.signatureInfos = [signatureInfo]
        message.keys = keys.sorted(by: ExportArchiveWriter.precedes)
        message.revisedKeys = revised.sorted(by: ExportArchiveWriter.precedes)
        return try message.encoded()
    }

    private static func precedes(_ left: DiagnosisKey, _ right: DiagnosisKey) -> Bool {
        left.data != right.data ? left.data < right.data : left.metadata < right.metadata
    }
}
