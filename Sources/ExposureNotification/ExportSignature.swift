/// One signature of `export.sig`, over the whole of `export.bin`.
///
/// Source: `TEKSignatureList` and `TEKSignature` of the export format.
struct ExportSignature: Sendable {
    var info: SignatureInfo
    var batchNumber: Int32
    var batchSize: Int32
    /// ASN.1 DER: a sequence of the integers r and s.
    var der: [UInt8]

    init(info: SignatureInfo, batchNumber: Int32, batchSize: Int32, der: [UInt8]) {
        self.info = info
        self.batchNumber = batchNumber
        self.batchSize = batchSize
        self.der = der
    }

    /// Reads `export.sig`.
    static func list(_ bytes: [UInt8], limits: ExportLimits) throws(ExportError) -> [ExportSignature] {
        var signatures: [ExportSignature] = []
        var message = MessageReader(bytes, in: 0..<bytes.count)
        while let field = try message.next() {
            guard field.number == Field.signatures, case .bytes(let range) = field.value else { continue }
            guard signatures.count < limits.signatures else {
                throw ExportError(.tooLarge, "export.sig has more than \(limits.signatures) signatures; refuse it")
            }
            signatures.append(try ExportSignature(in: bytes, at: range))
        }
        return signatures
    }

    /// The bytes of an `export.sig` that holds this signature alone.
    var encodedAlone: [UInt8] {
        var message = MessageWriter()
        message.data(info.encoded, field: Field.info)
        message.int32(batchNumber, field: Field.batchNumber)
        message.int32(batchSize, field: Field.batchSize)
        message.data(der, field: Field.der)
        var list = MessageWriter()
        list.data(message.bytes, field: Field.signatures)
        return list.bytes
    }

    private init(in bytes: [UInt8], at range: Range<Int>) throws(ExportError) {
        self.init(info: SignatureInfo(signatureAlgorithm: ""), batchNumber: 1, batchSize: 1, der: [])
        var message = MessageReader(bytes, in: range)
        while let field = try message.next() {
            switch (field.number, field.value) {
            case (Field.info, .bytes(let range)): info = try SignatureInfo(in: bytes, at: range)
            case (Field.batchNumber, .varint(let value)): batchNumber = Int32(truncatingIfNeeded: value)
            case (Field.batchSize, .varint(let value)): batchSize = Int32(truncatingIfNeeded: value)
            case (Field.der, .bytes(let range)): der = Array(bytes[range])
            default: break
            }
        }
    }

    private enum Field {
        static let signatures: UInt32 = 1
        static let info: UInt32 = 1
        static let batchNumber: UInt32 = 2
        static let batchSize: UInt32 = 3
        static let der: UInt32 = 4
    }
}
