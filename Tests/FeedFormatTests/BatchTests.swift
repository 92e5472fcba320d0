import ExposureKeys
import FeedFormat
import Testing
import TestSupport

struct BatchTests {
    @Test func emptyBatch() throws {
        let batch = try Batch(number: 300, publication: Interval(0x0102_0304), keys: [])
        #expect(batch.bytes == Array("KTB1".utf8) + [0, 0, 0, 7, 1, 2, 3, 4, 0xac, 0x02, 0])
        #expect(batch.sections.isEmpty)
        #expect(try batch.keys().isEmpty)
        #expect(try batch.predecessors().isEmpty)
    }

    @Test(arguments: [1, 2, 30, 2000])
    func roundTrip(count: Int) throws {
        var generator = SplitMix64(seed: UInt64(count))
        let keys = try Samples.keys(count, groups: min(count, 25), using: &generator)
        let batch = try Batch(number: 7, publication: Samples.publication, keys: keys)
        let read = try Batch(batch.bytes)
        #expect(read.number == 7)
        #expect(read.publication == Samples.publication)
        #expect(try read.keys() == keys.sorted(by: DiagnosisKey.precedesInBatch))
    }

    @Test func orderAndDuplicatesDoNotChangeTheBytes() throws {
        var generator = SplitMix64(seed: 6)
        let keys = try Samples.keys(400, groups: 40, using: &generator)
        let batch = try Batch(number: 1, publication: Samples.publication, keys: keys)
        for _ in 0..<10 {
            let again = (keys + keys.prefix(100)).shuffled(using: &generator)
            #expect(try Batch(number: 1, publication: Samples.publication, keys: again).bytes == batch.bytes)
        }
    }

    @Test func reportsOfOneKeyAreJoined() throws {
        let data = KeyData(high: 1, low: 2)
        let reports = try [ReportType.confirmed, .revoked, .selfReport].map {
            DiagnosisKey(data: data, metadata: try Samples.metadata(type: $0))
        }
        let keys = try Batch(number: 0, publication: Samples.publication, keys: reports).keys()
        #expect(keys.map(\.metadata.reportType) == [.revoked])
    }

    @Test func theWindowOfPublication() throws {
        let key = { (end: Int64) in
            DiagnosisKey(
                data: KeyData(high: 1, low: 2),
                metadata: try Samples.metadata(end: Samples.publication.advanced(by: end))
            )
        }
        for end: Int64 in [0, -1, -2159] {
            #expect(try Batch(number: 0, publication: Samples.publication, keys: [try key(end)]).keys().count == 1)
        }
        for end: Int64 in [1, 144, -2160, -5000] {
            #expect(throws: FormatError.with(.keyOutsideWindow)) {
                try Batch(number: 0, publication: Samples.publication, keys: [try key(end)])
            }
            // The same when the bytes come from elsewhere.
            let sections = [Samples.section(2, try KeysSection.encode([try key(end)]))]
            let batch = try Batch(Samples.batch(sections: sections))
            #expect(throws: FormatError.with(.keyOutsideWindow)) { try batch.keys() }
        }
    }

    @Test func predecessors() throws {
        let epochs = [Epoch(5), Epoch(3), Epoch(1 << 60)]
        let batch = try Batch(number: 0, publication: Samples.publication, keys: [], predecessors: epochs)
        #expect(try Batch(batch.bytes).predecessors() == epochs.sorted())
        let most = (0..<32).map { Epoch($0) }
        #expect(
            try Batch(number: 0, publication: Samples.publication, keys: [], predecessors: most).predecessors() == most
        )
    }

    @Test(
        arguments: [
            ([], FormatError.Code.lyingLength),
            ([UInt8](repeating: 0, count: 7), .lyingLength),
            ([UInt8](repeating: 0, count: 9), .lyingLength),
            ([UInt8](repeating: 0, count: 33 * 8), .lyingLength),
            ([UInt8](repeating: 0, count: 16), .notAscending),
            ([0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1], .notAscending),
        ] as [([UInt8], FormatError.Code)]
    )
    func malformedPredecessors(_ payload: [UInt8], _ code: FormatError.Code) throws {
        let batch = try Batch(Samples.batch(sections: [Samples.section(1, payload)]))
        #expect(throws: FormatError.with(code)) { try batch.predecessors() }
    }

    @Test func predecessorsOutsideBatchZero() throws {
        let bytes = Samples.batch(number: 1, sections: [Samples.section(1, [UInt8](repeating: 0, count: 8))])
        let batch = try Batch(bytes)
        #expect(throws: FormatError.with(.wrongPosition)) { try batch.predecessors() }
    }

    @Test func truncatedAtEveryByte() throws {
        let batch = try Batch(number: 0, publication: Samples.publication, keys: [], predecessors: [Samples.epoch])
        for length in 0..<batch.bytes.count {
            #expect(throws: FormatError.with(length < 8 ? .truncated : .lyingLength)) {
                try Batch(Array(batch.bytes[..<length]))
            }
            // With a preamble that tells the truth about the shorter body, too.
            guard length >= 8 else { continue }
            let error = #expect(throws: FormatError.self) {
                try Batch(Samples.batch(body: Array(batch.bytes[8..<length])))
            }
            #expect(error?.code == .truncated || error?.code == .lyingLength)
        }
        #expect(throws: FormatError.with(.trailingBytes)) { try Batch(batch.bytes + [0]) }
        #expect(throws: FormatError.with(.trailingBytes)) { try Batch(Samples.batch(body: batch.bytes[8...] + [0])) }
    }

    @Test(
        arguments: [
            (Array("KTB2".utf8) + [0, 0, 0, 0], FormatError.Code.unknownFormat),
            (Array("KTB1".utf8) + [0, 0, 0, 1], .lyingLength),
            (Array("KTB1".utf8) + [0, 0x7f, 0xff, 0xf9], .limitExceeded),
            (Array("KTB1".utf8) + [0xff, 0xff, 0xff, 0xff], .limitExceeded),
            (Array("KTB1".utf8) + [0, 0, 0, 0], .truncated),
            (Samples.batch(body: [0, 0, 0, 9, 0x80, 0x80, 0x08, 0]), .limitExceeded),
            (Samples.batch(body: [0, 0, 0, 9, 0x80, 0x00, 0]), .notCanonical),
            (Samples.batch(body: [0, 0, 0, 9, 0, 65]), .limitExceeded),
            (Samples.batch(body: [0, 0, 0, 9, 0, 1]), .truncated),
        ] as [([UInt8], FormatError.Code)]
    )
    func malformedHeaders(_ bytes: [UInt8], _ code: FormatError.Code) {
        #expect(throws: FormatError.with(code)) { try Batch(bytes) }
    }

    @Test func largestNumber() throws {
        #expect(try Batch(number: 131_071, publication: Samples.publication, keys: []).number == 131_071)
        #expect(throws: FormatError.with(.limitExceeded)) {
            try Batch(number: 131_072, publication: Samples.publication, keys: [])
        }
    }

    @Test func leafHashCoversEveryByte() throws {
        let batch = try Batch(number: 0, publication: Samples.publication, keys: [])
        #expect(batch.leafHash == Hash256(hashing: ([0] + batch.bytes)[...]))
    }

    @Test func sizeReadsNoFurtherThanThePreamble() throws {
        let batch = try Batch(number: 3, publication: Samples.publication, keys: [])
        let bytes = [9] + batch.bytes + [1, 2, 3]
        #expect(try Batch.size(atStartOf: bytes[1...]) == batch.bytes.count)
        #expect(throws: FormatError.with(.truncated)) { try Batch.size(atStartOf: bytes[1..<8]) }
    }

    @Test func atMostTheKeysThatFit() throws {
        let metadata = try Samples.metadata()
        let keys = (0...UInt64(FormatLimits.keysPerBatch)).map {
            DiagnosisKey(data: KeyData(high: $0 << 40, low: 0), metadata: metadata)
        }
        let full = try Batch(number: 0, publication: Samples.publication, keys: Array(keys.dropLast()))
        #expect(try full.keys().count == FormatLimits.keysPerBatch)
        #expect(throws: FormatError.with(.limitExceeded)) {
            try Batch(number: 0, publication: Samples.publication, keys: keys)
        }
    }

    @Test func atMostTheGroupsThatFit() throws {
        let keys = try (0...FormatLimits.groups).map { number in
            DiagnosisKey(
                data: KeyData(high: UInt64(number) << 40, low: 0),
                metadata: try Samples.metadata(
                    end: Samples.publication.advanced(by: -Int64(number % 2000)),
                    period: 1 + number / 2000
                )
            )
        }
        let full = try Batch(number: 0, publication: Samples.publication, keys: Array(keys.dropLast()))
        #expect(try full.keys() == keys.dropLast().sorted(by: DiagnosisKey.precedesInBatch))
        #expect(throws: FormatError.with(.limitExceeded)) {
            try Batch(number: 0, publication: Samples.publication, keys: keys)
        }
    }

    @Test func predecessorsThatNobodyWouldReadAreNotWritten() throws {
        let write = { (number: UInt64, epochs: [Epoch]) in
            try Batch(number: number, publication: Samples.publication, keys: [], predecessors: epochs)
        }
        #expect(throws: FormatError.with(.wrongPosition)) { try write(1, [Samples.epoch]) }
        #expect(throws: FormatError.with(.notAscending)) { try write(0, [Samples.epoch, Samples.epoch]) }
        #expect(throws: FormatError.with(.limitExceeded)) { try write(0, (0...32).map { Epoch($0) }) }
    }
}
