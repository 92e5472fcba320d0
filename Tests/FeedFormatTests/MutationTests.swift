import ExposureKeys
import FeedFormat
import Foundation
import Testing
import TestSupport

/// Thousands of altered inputs through every decoder: each is refused with a `FormatError` or decodes to what it says.
/// What is signed is signed again after it was altered, so that the parsers behind the signature see it too.
struct MutationTests {
    private static let rounds = 3000
    private let list: VectorList
    private let signer: NoteSigner

    init() throws {
        list = try VectorList.read()
        signer = try Samples.signer()
    }

    /// Calls `body` with altered files of one form; counts how many of them it accepts.
    private func mutations(of form: String, seed: UInt64, _ body: ([UInt8]) throws -> Void) throws -> Int {
        let files = try list.vectors.filter { $0.form == form }.map { try $0.bytes() }
        var mutator = Mutator(seed: seed)
        var accepted = 0
        for _ in 0..<MutationTests.rounds {
            guard let file = mutator.pick(files), let other = mutator.pick(files) else { continue }
            let bytes = mutator.mutate(file, with: other)
            do {
                try body(bytes)
                accepted += 1
            } catch is FormatError {}
        }
        return accepted
    }

    private func note(_ text: [UInt8], by signers: [NoteSigner]) throws -> [UInt8] {
        guard let string = String(validating: text, as: UTF8.self) else { return text }
        return SignedNote.bytes(text: string, signatures: try signers.map { try $0.sign(string, time: Samples.time) })
    }

    /// The text of a note, or all of it if there is none.
    private func text(_ note: [UInt8]) -> [UInt8] {
        guard let read = try? SignedNote(note[...], limit: FormatLimits.rosterBytes) else { return note }
        return Array(read.text.utf8)
    }

    @Test(arguments: 0..<4) func batches(seed: UInt64) throws {
        let accepted = try mutations(of: "batch", seed: seed) { bytes in
            let batch = try Batch(bytes)
            #expect(batch.bytes == bytes)
            _ = try? batch.predecessors()
            let dayKeys = try? batch.bluezoneKeys()
            #expect(dayKeys.map { zip($0, $0.dropFirst()).allSatisfy(BluezoneDayKey.precedesInBatch) } != false)
            let keys = try batch.keys()
            #expect(zip(keys, keys.dropFirst()).allSatisfy(DiagnosisKey.precedesInBatch))
        }
        #expect(accepted > 0)
    }

    /// Lengths made right again, so that the alterations reach the table of groups and the keys.
    @Test(arguments: 0..<4) func keys(seed: UInt64) throws {
        var mutator = Mutator(seed: 100 + seed)
        var generator = SplitMix64(seed: seed)
        var accepted = 0
        for round in 0..<MutationTests.rounds {
            let keys = try Samples.keys(1 + round % 30, groups: 1 + round % 7, using: &generator)
            let payload = try KeysSection.encode(keys.sorted(by: DiagnosisKey.precedesInBatch))
            let altered = mutator.mutate(payload, with: RawKeys.twoGroups.bytes)
            do {
                let read = try Batch(Samples.batch(sections: [Samples.section(2, altered)])).keys()
                #expect(read.count * 8 <= altered.count)
                accepted += 1
            } catch {}
        }
        #expect(accepted > 0)
    }

    @Test(arguments: 0..<4) func bluezoneKeys(seed: UInt64) throws {
        var mutator = Mutator(seed: 200 + seed)
        var generator = SplitMix64(seed: seed)
        var accepted = 0
        for round in 0..<MutationTests.rounds {
            let keys = try Samples.dayKeys(1 + round % 20, using: &generator)
            let payload = try BluezoneKeysSection.encode(keys.sorted(by: BluezoneDayKey.precedesInBatch))
            let altered = mutator.mutate(payload, with: RawKeys.bluezone.bytes)
            do {
                let read = try Batch(Samples.batch(sections: [Samples.section(3, altered)])).bluezoneKeys()
                #expect(read.count * 24 <= altered.count)
                #expect(zip(read, read.dropFirst()).allSatisfy(BluezoneDayKey.precedesInBatch))
                accepted += 1
            } catch {}
        }
        #expect(accepted > 0)
    }

    @Test func ranges() throws {
        let range = try #require(FeedRange(level: 2, index: 0))
        let accepted = try mutations(of: "range", seed: 20) { bytes in
            let body = try RangeBody(bytes[...], range: range)
            #expect(Array(body.batches.joined()) + body.checkpoint == bytes)
        }
        #expect(accepted > 0)
    }

    @Test func tails() throws {
        let feed = try Samples.feed()
        let keys = Samples.rosterKeys(signer)
        let range = try #require(FeedRange(level: 2, index: 0))
        let accepted = try mutations(of: "range", seed: 21) { bytes in
            let body = try RangeBody(bytes[...], range: range)
            let frontier = Frontier(leaves: body.batches.map { Hash256(leaf: $0) })
            let signed = try Checkpoint(region: feed.region, epoch: feed.epoch, size: 4, root: frontier.root)
                .signed(by: signer, time: Samples.time)
            for checkpoint in [body.checkpoint, signed.bytes[...]] {
                var tail = FeedTail(feed: feed)
                let verified = try? tail.append(body.batches, checkpoint: checkpoint, keys: keys)
                #expect(tail.next == (verified == nil ? 0 : 4))
                #expect(verified == nil || tail.frontier == frontier)
            }
        }
        #expect(accepted > 0)
    }

    @Test func frontiers() throws {
        let accepted = try mutations(of: "frontier", seed: 30) { bytes in
            var frontier = try Frontier(bytes: bytes[...])
            #expect(frontier.bytes == bytes)
            frontier.append(Hash256(leaf: []))
            #expect(frontier.hashes.count == frontier.size.nonzeroBitCount)
        }
        #expect(accepted > 0)
    }

    @Test func checkpoints() throws {
        let feed = try Samples.feed()
        let keys = Samples.rosterKeys(signer)
        let accepted = try mutations(of: "checkpoint", seed: 40) { bytes in
            for note in [try self.note(text(bytes), by: [signer]), bytes] {
                let read = try SignedCheckpoint(note[...], region: feed.region, epoch: feed.epoch, keys: keys)
                #expect((1...131_072).contains(read.checkpoint.size))
            }
        }
        #expect(accepted > 0)
    }

    @Test func indexes() throws {
        let keys = Samples.rosterKeys(signer)
        let part = IndexPart([])
        _ = try mutations(of: "index", seed: 50) { bytes in
            let read = try FeedIndex(bytes[...]) { $0.code == "VN-01" ? keys : nil }
            _ = try? read.entries(with: part)
        }
        let accepted = try mutations(of: "settled", seed: 51) { entries in
            var list = part.hash.bytes
            list.append(bigEndian: UInt32(0))
            list += entries
            let count = (try? IndexPart(bytes: entries[...]).entries.count) ?? 0
            let text = "keytide/VN-01/index\n\(count)\n\(Base64.encode(Hash256(hashing: list[...]).bytes))\n"
            let note = try note(Array(text.utf8), by: [signer])
            var bytes = Array("KTI1".utf8)
            bytes.append(varint: UInt64(note.count))
            let read = try FeedIndex((bytes + note + list)[...]) { $0.code == "VN-01" ? keys : nil }
            #expect(read.fresh.bytes == entries)
            #expect(try read.entries(with: part).map(\.feed) == read.fresh.entries.map(\.feed))
        }
        #expect(accepted > 0)
    }

    @Test func settledParts() throws {
        let accepted = try mutations(of: "settled", seed: 60) { bytes in
            let part = try IndexPart(bytes: bytes[...])
            #expect(IndexPart(part.entries).bytes == bytes)
        }
        #expect(accepted > 0)
    }

    @Test func rosters() throws {
        let authorities = [try Samples.authority(1), try Samples.authority(2)]
        let accepted = try mutations(of: "roster", seed: 70) { bytes in
            for note in [try self.note(text(bytes), by: authorities), bytes] {
                let read = try Roster(note[...], authorities: authorities.map(\.verifier), threshold: 1, now: 0)
                #expect(read.text.utf8.elementsEqual(text(note)))
            }
        }
        #expect(accepted > 0)
    }

    /// All of the above together never hold more than a few of the largest batches.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status")))
    func memoryStaysBounded() throws {
        let bomb = try #require(LZ4Block.compress([UInt8](repeating: 0xff, count: 8 << 20)))
        var mutator = Mutator(seed: 80)
        for _ in 0..<200 {
            let section = Samples.compressedSection(2, mutator.mutate(bomb, with: bomb), size: 8 << 20)
            #expect(throws: FormatError.self) { try Batch(Samples.batch(sections: [section])).keys() }
        }
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split { !$0.isNumber }.first
        #expect(try #require(peak.flatMap { Int($0) }) < 512 << 10, "KiB of resident memory")
    }
}
