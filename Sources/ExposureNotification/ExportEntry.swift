import ExposureKeys

/// One `TemporaryExposureKey` of an export, as it is written there.
struct ExportEntry {
    /// nil unless there are exactly 16 bytes.
    private var data: KeyData?
    private var transmissionRisk: Int32 = 0
    private var rollingStart: Int32?
    private var rollingPeriod: Int32 = 144
    /// nil if absent or of a number that the format does not define (an unknown value of a proto2 enumeration counts
    /// as absent).
    private var reportType: ReportType?
    private var daysSinceOnset: Int32?

    enum Field {
        static let data: UInt32 = 1
        static let transmissionRisk: UInt32 = 2
        static let rollingStart: UInt32 = 3
        static let rollingPeriod: UInt32 = 4
        static let reportType: UInt32 = 5
        static let daysSinceOnset: UInt32 = 6
    }

    init(in bytes: [UInt8], at range: Range<Int>) throws(ExportError) {
        var message = MessageReader(bytes, in: range)
        while let field = try message.next() {
            switch (field.number, field.value) {
            case (Field.data, .bytes(let range)): data = ExportEntry.keyData(bytes, at: range)
            case (Field.transmissionRisk, .varint(let value)): transmissionRisk = Int32(truncatingIfNeeded: value)
            case (Field.rollingStart, .varint(let value)): rollingStart = Int32(truncatingIfNeeded: value)
            case (Field.rollingPeriod, .varint(let value)): rollingPeriod = Int32(truncatingIfNeeded: value)
            case (Field.reportType, .varint(let value)): reportType = ReportType(exportNumber: value)
            case (Field.daysSinceOnset, .varint(let value)):
                let zigzag = UInt32(truncatingIfNeeded: value)
                daysSinceOnset = Int32(bitPattern: zigzag >> 1) ^ -Int32(bitPattern: zigzag & 1)
            // Field 8, the variant of concern, tells nothing about the key itself; like all others it is passed over.
            default: break
            }
        }
    }

    /// - Throws: `notRepresentable` if the rolling start is beyond the 31 bits that the format has for it.
    init(_ key: DiagnosisKey) throws(ExportError) {
        let metadata = key.metadata
        guard let start = Int32(exactly: metadata.rollingStart.number) else {
            throw ExportError(.notRepresentable, "rolling start \(metadata.rollingStart) does not fit an int32")
        }
        data = key.data
        transmissionRisk = Int32(metadata.transmissionRisk)
        rollingStart = start
        rollingPeriod = Int32(metadata.rollingPeriod)
        reportType = metadata.reportType
        daysSinceOnset = metadata.daysSinceOnset.map { Int32($0) }
    }

    struct Refusal: Error {
        let reason: RejectedKey.Reason
    }

    /// Beyond this interval no start is meant: as intervals the year 3871, as unix seconds 1973.
    private static let latestStart: UInt32 = 100_000_000

    /// The key, or why it is none.
    ///
    /// An absent report type becomes `unknown`, as ENS defines the field: the German files of summer 2020 have none,
    /// and although everybody in them tested positive, a type that the publisher did not state must not outrank one
    /// that it states later. What an unknown type counts for is up to whoever assesses the risk, as it is on phones
    /// (`reportTypeWhenMissing`). (The German schema names "confirmed test" as the default; its server writes the
    /// field in every file since it exists.)
    var diagnosisKey: Result<DiagnosisKey, Refusal> {
        guard let data else { return .failure(Refusal(reason: .keyData)) }
        guard let rollingStart else { return .failure(Refusal(reason: .rollingStartMissing)) }
        guard let start = UInt32(exactly: rollingStart) else { return .failure(Refusal(reason: .rollingStart)) }
        guard start < ExportEntry.latestStart else { return .failure(Refusal(reason: .rollingStartInSeconds)) }
        guard KeyMetadata.rollingPeriods.contains(Int(rollingPeriod)) else {
            return .failure(Refusal(reason: .rollingPeriod))
        }
        // What the systems' documents had publishers write where they gave none: the largest int32.
        let transmissionRisk = transmissionRisk == .max ? 0 : transmissionRisk
        let daysSinceOnset = daysSinceOnset == .max ? nil : daysSinceOnset
        guard KeyMetadata.transmissionRisks.contains(Int(transmissionRisk)) else {
            return .failure(Refusal(reason: .transmissionRisk))
        }
        let metadata = KeyMetadata(
            rollingStart: Interval(start),
            rollingPeriod: Int(rollingPeriod),
            reportType: reportType ?? .unknown,
            transmissionRisk: Int(transmissionRisk),
            daysSinceOnset: daysSinceOnset.map { Int($0) }
        )
        // All other ranges have been checked, and start + period fits since the start has 31 bits.
        guard let metadata else { return .failure(Refusal(reason: .daysSinceOnset)) }
        return .success(DiagnosisKey(data: data, metadata: metadata))
    }

    /// The fields as the European servers wrote them: the rolling period always, risk and type unless 0.
    var encoded: [UInt8] {
        var message = MessageWriter()
        if let data { message.data(data.bytes, field: Field.data) }
        if transmissionRisk != 0 { message.int32(transmissionRisk, field: Field.transmissionRisk) }
        if let rollingStart { message.int32(rollingStart, field: Field.rollingStart) }
        message.int32(rollingPeriod, field: Field.rollingPeriod)
        if let reportType, reportType != .unknown { message.int32(reportType.exportNumber, field: Field.reportType) }
        if let daysSinceOnset { message.sint32(daysSinceOnset, field: Field.daysSinceOnset) }
        return message.bytes
    }

    private static func keyData(_ bytes: [UInt8], at range: Range<Int>) -> KeyData? {
        guard range.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for position in range.lowerBound..<range.lowerBound + 8 {
            high = high << 8 | UInt64(bytes[position])
            low = low << 8 | UInt64(bytes[position + 8])
        }
        return KeyData(high: high, low: low)
    }
}

extension ReportType {
    /// - Returns: nil for numbers that the export format does not define.
    init?(exportNumber: UInt64) {
        switch exportNumber {
        case 0: self = .unknown
        case 1: self = .confirmed
        case 2: self = .clinical
        case 3: self = .selfReport
        case 4: self = .recursive
        case 5: self = .revoked
        default: return nil
        }
    }

    var exportNumber: Int32 {
        switch self {
        case .unknown: 0
        case .confirmed: 1
        case .clinical: 2
        case .selfReport: 3
        case .recursive: 4
        case .revoked: 5
        }
    }
}
