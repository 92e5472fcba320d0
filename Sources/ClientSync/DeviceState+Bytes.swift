internal import ExposureKeys
internal import ExposureNotification
internal import FeedFormat
internal import Foundation

/// The form of a state as bytes: `KTSTATE` and the version, then the parts in the order below, each one value or a list.
/// Numbers are varints of FeedFormat, times with them; bytes and text are preceded by their length, lists by their number
/// of elements, what may be missing by 0 or 1. Version 1 ended with the book. Times before 1970 or after 9999 count as the nearest one inside.
extension DeviceState {
    static let name: [UInt8] = Array("KTSTATE".utf8)
    /// The version written; those from 1 on are read.
    static let version: UInt8 = 2

    /// - Throws: what encoding the report as JSON throws; nothing, for reports that matching made.
    public func bytes() throws -> [UInt8] {
        var bytes = DeviceState.name + [DeviceState.version]
        bytes.reserveCapacity(1024 + batches.reduce(0) { $0 + $1.bytes.count + 40 } + 48 * sightings.count)
        bytes.append(optional: roster) { $0.append($1) }
        bytes.append(list: marks) { $0.append($1) }
        bytes.append(list: parts) { $0.append($1) }
        bytes.append(list: cursors) { $0.append($1) }
        bytes.append(list: batches) { $0.append($1) }
        bytes.append(list: checkpoints) { $0.append($1) }
        bytes.append(list: evidence) { $0.append($1) }
        bytes.append(varint: UInt64(clamping: lastSerial))
        bytes.append(list: sightings) { $0.append($1) }
        bytes.append(list: matched) { $0.append($1) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = try report.map { Array(try encoder.encode($0)) }
        bytes.append(optional: json) { $0.append(counted: $1) }
        bytes.append(book)
        bytes.append(list: scanTimes) { $0.append(time: $1) }
        bytes.append(counted: try encoder.encode(freshness))
        bytes.append(varint: UInt64(clamping: lost.count))
        bytes.append(varint: UInt64(lost.last.number))
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append<Value>(optional value: Value?, _ append: (inout [UInt8], Value) -> Void) {
        self.append(value == nil ? 0 : 1)
        if let value { append(&self, value) }
    }

    fileprivate mutating func append<Value>(list: [Value], _ append: (inout [UInt8], Value) -> Void) {
        self.append(varint: UInt64(list.count))
        for value in list { append(&self, value) }
    }

    fileprivate mutating func append(counted bytes: some Collection<UInt8>) {
        append(varint: UInt64(bytes.count))
        append(contentsOf: bytes)
    }

    fileprivate mutating func append(time: Int64) {
        append(varint: UInt64(Swift.min(Swift.max(time, DeviceState.times.lowerBound), DeviceState.times.upperBound)))
    }

    fileprivate mutating func append(_ region: Region) { append(counted: region.code.utf8) }

    fileprivate mutating func append(_ feed: FeedID) {
        append(feed.region)
        append(bigEndian: feed.epoch.value)
    }

    fileprivate mutating func append(_ roster: HeldRoster) {
        append(counted: roster.bytes)
        append(optional: roster.etag) { $0.append(counted: $1.utf8) }
        append(time: roster.checked)
    }

    fileprivate mutating func append(_ mark: DeviceState.Mark) {
        append(counted: mark.node.utf8)
        append(counted: mark.mark.etag.utf8)
        append(counted: mark.mark.selection.utf8)
        append(mark.mark.signer)
        append(time: mark.mark.time)
    }

    fileprivate mutating func append(_ part: DeviceState.Part) {
        append(contentsOf: part.hash.bytes)
        append(counted: part.bytes)
    }

    fileprivate mutating func append(_ cursor: FeedCursor) {
        append(cursor.feed)
        append(counted: cursor.frontier.bytes)
        append(varint: UInt64(cursor.lastPublication.number))
        append(varint: cursor.first)
    }

    fileprivate mutating func append(_ batch: HeldBatch) {
        append(batch.feed)
        append(varint: batch.number)
        append(varint: UInt64(batch.publication.number))
        append(counted: batch.bytes)
    }

    fileprivate mutating func append(_ checkpoint: DeviceState.HeldCheckpoint) {
        append(checkpoint.feed)
        append(varint: checkpoint.size)
        append(counted: checkpoint.note)
    }

    fileprivate mutating func append(_ evidence: Evidence) {
        append(evidence.kind.rawValue)
        append(evidence.feed)
        append(varint: evidence.size)
        for statement in [evidence.held, evidence.contradicting, evidence.witness] { append(counted: statement) }
        append(counted: evidence.node.utf8)
        append(time: evidence.found)
    }

    fileprivate mutating func append(_ sighting: DeviceState.Sighting) {
        let encounter = sighting.encounter
        append(varint: UInt64(clamping: sighting.serial))
        append(encounter.schedule.rawValue)
        append(time: encounter.time)
        append(contentsOf: encounter.identifier.bytes)
        switch encounter.strength {
        case .attenuation(let value): append(contentsOf: [0, UInt8(clamping: value)])
        case .rssi(let value): append(contentsOf: [1, UInt8(bitPattern: Int8(clamping: value))])
        case .sealed(let value, let metadata):
            append(contentsOf: [2, UInt8(bitPattern: Int8(clamping: value))])
            append(bigEndian: metadata)
        }
    }

    fileprivate mutating func append(_ matched: MatchedBatch) {
        append(matched.feed)
        append(varint: matched.number)
        append(varint: UInt64(clamping: matched.keys))
        append(varint: UInt64(clamping: matched.seen))
        append(list: matched.near) {
            $0.append(contentsOf: $1.data.bytes)
            $0.append(bigEndian: $1.metadata.packed)
        }
        append(list: matched.nearBluezone) {
            $0.append(contentsOf: $1.firstSubKey.bytes)
            $0.append(bigEndian: $1.metadata.packed)
        }
    }

    fileprivate mutating func append(_ statement: IndexStatement) {
        append(counted: statement.index)
        append(counted: statement.settled)
    }

    fileprivate mutating func append(_ book: WitnessBook) {
        append(bigEndian: book.seed)
        append(time: book.asked)
        append(list: book.voices) {
            $0.append($1.region)
            $0.append(time: $1.time)
            $0.append(optional: $1.statement) { $0.append($1) }
            $0.append($1.relay)
            $0.append(time: $1.barredUntil)
        }
        append(list: book.disputes) {
            $0.append($1.witness)
            $0.append($1.claim)
            $0.append(counted: $1.node.utf8)
            $0.append($1.answer)
            $0.append(time: $1.found)
        }
    }
}
