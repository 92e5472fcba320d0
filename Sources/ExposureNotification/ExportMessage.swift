import ExposureKeys

/// What `export.bin` says: a header of 16 bytes, then the message `TemporaryExposureKeyExport`.
struct ExportMessage: Sendable {
    var start: Int64 = 0
    var end: Int64 = 0
    var region = ""
    var batchNumber: Int32 = 1
    var batchSize: Int32 = 1
    var signatureInfos: [SignatureInfo] = []
    /// Field 7: keys published for the first time.
    var keys: [DiagnosisKey] = []
    /// Field 8: keys published again under another report type.
    var revisedKeys: [DiagnosisKey] = []
    var rejected: [RejectedKey] = []

    /// `EK Export v1`, padded with spaces to 16 bytes.
    static let header = Array("EK Export v1    ".utf8)

    enum Field {
        static let start: UInt32 = 1
        static let end: UInt32 = 2
        static let region: UInt32 = 3
        static let batchNumber: UInt32 = 4
        static let batchSize: UInt32 = 5
        static let signatureInfos: UInt32 = 6
        static let keys: UInt32 = 7
        static let revisedKeys: UInt32 = 8
    }

    init() {}

    init(_ bytes: [UInt8], limits: ExportLimits) throws(ExportError) {
        try ExportMessage.checkHeader(of: bytes)
        // The shortest useful key takes 27 bytes; the estimate is bounded by what is there, and by the limit.
        keys.reserveCapacity(min(bytes.count / 27, limits.keys))
        var entries = 0
        var message = MessageReader(bytes, in: ExportMessage.header.count..<bytes.count)
        while let field = try message.next() {
            switch (field.number, field.value) {
            case (Field.keys, .bytes(let range)), (Field.revisedKeys, .bytes(let range)):
                guard entries < limits.keys else {
                    throw ExportError(.tooLarge, "export.bin has more than \(limits.keys) keys; refuse it")
                }
                switch try ExportEntry(in: bytes, at: range).diagnosisKey {
                case .success(let key) where field.number == Field.keys: keys.append(key)
                case .success(let key): revisedKeys.append(key)
                case .failure(let refusal): rejected.append(RejectedKey(position: entries, reason: refusal.reason))
                }
                entries += 1
            case (Field.start, .fixed64(let value)): start = try ExportMessage.seconds(value)
            case (Field.end, .fixed64(let value)): end = try ExportMessage.seconds(value)
            case (Field.region, .bytes(let range)): region = try message.text(at: range)
            case (Field.batchNumber, .varint(let value)): batchNumber = Int32(truncatingIfNeeded: value)
            case (Field.batchSize, .varint(let value)): batchSize = Int32(truncatingIfNeeded: value)
            case (Field.signatureInfos, .bytes(let range)):
                guard signatureInfos.count < limits.signatures else {
                    throw ExportError(.tooLarge, "export.bin has over \(limits.signatures) signature infos; refuse it")
                }
                signatureInfos.append(try SignatureInfo(in: bytes, at: range))
            default: break
            }
        }
    }

    static func checkHeader(of bytes: [UInt8]) throws(ExportError) {
        guard bytes.starts(with: header) else {
            throw ExportError(.notAnExport, "export.bin does not begin with \"EK Export v1\"; check what was fetched")
        }
    }

    /// The message's bytes, header included, in ascending field order.
    func encoded() throws(ExportError) -> [UInt8] {
        var message = MessageWriter(ExportMessage.header)
        message.fixed64(UInt64(bitPattern: start), field: Field.start)
        message.fixed64(UInt64(bitPattern: end), field: Field.end)
        message.string(region, field: Field.region)
        message.int32(batchNumber, field: Field.batchNumber)
        message.int32(batchSize, field: Field.batchSize)
        for info in signatureInfos { message.data(info.encoded, field: Field.signatureInfos) }
        for key in keys { message.data(try ExportEntry(key).encoded, field: Field.keys) }
        for key in revisedKeys { message.data(try ExportEntry(key).encoded, field: Field.revisedKeys) }
        return message.bytes
    }

    private static func seconds(_ value: UInt64) throws(ExportError) -> Int64 {
        guard let seconds = Int64(exactly: value) else {
            throw ExportError(.malformedMessage, "a timestamp beyond 63 bits; tell the publisher")
        }
        return seconds
    }
}
