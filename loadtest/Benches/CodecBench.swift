import ArgumentParser
import CLZ4
import ClusterSimulation
import Crypto
import ExposureKeys
import ExposureNotification
import FeedFormat
import Foundation

/// Encoding and decoding of one batch, on one core.
struct CodecBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Nanoseconds a key to encode a batch with its leaf hash, and to check that hash and decode.",
        discussion: """
            The peer makes an LZ4 block of the keys laid out as 24 bytes each (16 of the key, 8 of metadata) and hashes \
            it with SHA-256; back, it hashes the block and decompresses it. It neither sorts nor checks what it reads.
            """
    )

    @Option(help: "Rounds of each side.")
    var rounds = 21

    @Argument(help: "Export archive that gives the keys; by default 57,972 synthetic ones.", completion: .file())
    var archive: String?

    func validate() throws {
        guard (5...1000).contains(rounds) else { throw ValidationError("--rounds must be 5 to 1000") }
    }

    func run() throws {
        try ThisProcess.expectOneCore()
        let (all, publication) = try material()
        let keys = all.filter { Expiry.mayCarry(keyEnding: $0.metadata.end, publishedAt: publication) }
        guard !keys.isEmpty else { throw BenchError("no keys to encode") }
        let peer = LZ4Peer(keys)
        var batch = try Batch(number: 1, publication: publication, keys: keys)
        let block = try peer.encode()
        var times = [Rounds](repeating: Rounds(), count: 4)
        for _ in 0..<rounds {
            var decoded: [DiagnosisKey] = []
            var hashes: [Hash256] = []
            times[0].add(
                try Rounds.seconds {
                    batch = try Batch(number: 1, publication: publication, keys: keys)
                    hashes.append(batch.leafHash)
                }
            )
            times[1].add(try Rounds.seconds { _ = try peer.encode() })
            times[2].add(
                try Rounds.seconds {
                    let received = try Batch(batch.bytes)
                    hashes.append(received.leafHash)
                    decoded = try received.keys()
                }
            )
            times[3].add(try Rounds.seconds { try peer.decode(block) })
            guard decoded.count == keys.count, hashes[0] == hashes[1] else {
                throw BenchError("the batch does not decode to its keys")
            }
        }
        show("encode", times[0], times[1], keys.count, batch.bytes.count, block.bytes.count)
        show("decode", times[2], times[3], keys.count, batch.bytes.count, block.bytes.count)
    }

    private func show(_ name: String, _ ours: Rounds, _ theirs: Rounds, _ keys: Int, _ bytes: Int, _ block: Int) {
        let scale = 1e9 / Double(keys)
        let fields = ours.spread("ours") + theirs.spread("theirs")
        ResultLine(
            bench: "codec",
            case: "\(name) keys=\(keys)",
            peer: "lz4+sha256",
            ours: ours.median * scale,
            theirs: theirs.median * scale,
            limit: nil,
            ratio: ours.median / theirs.median,
            unit: "ns/key",
            further: [("keysPerSecond", Double(keys) / ours.median), ("rounds", Double(rounds))]
                + fields.map { ($0.name, $0.value * scale) }
                + [("oursBytes", Double(bytes)), ("theirsBytes", Double(block))]
        ).print()
    }

    private func material() throws -> ([DiagnosisKey], Interval) {
        if let path = archive {
            let archive = try ExportArchive.open([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
            return (archive.keys, Interval(unixSeconds: archive.end))
        }
        let end = Interval(unixSeconds: 1_608_768_000)
        // Every run has the same keys.
        var random = SeededRandom(seed: 2020)
        let keys = ExportSynthesis(patients: 9000, end: end).keys(using: &random)
        return (Array(keys.prefix(57_972)), end)
    }
}

/// Keys as plain rows under LZ4.
private struct LZ4Peer {
    private let rows: [UInt64]

    struct Block {
        let bytes: [UInt8]
        let digest: SHA256.Digest
    }

    init(_ keys: [DiagnosisKey]) {
        rows = keys.flatMap { [$0.data.high.bigEndian, $0.data.low.bigEndian, $0.metadata.packed.bigEndian] }
    }

    func encode() throws -> Block {
        let size = rows.count * 8
        let capacity = Int(LZ4_compressBound(Int32(size)))
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            let written = rows.withUnsafeBytes { input in
                LZ4_compress_default(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(size),
                    Int32(capacity)
                )
            }
            count = max(0, Int(written))
        }
        guard !bytes.isEmpty else { throw BenchError("lz4 could not compress \(size) bytes") }
        return Block(bytes: bytes, digest: SHA256.hash(data: bytes))
    }

    func decode(_ block: Block) throws {
        var written: Int32 = 0
        let matches = SHA256.hash(data: block.bytes) == block.digest
        let output = [UInt64](unsafeUninitializedCapacity: rows.count) { output, count in
            written = block.bytes.withUnsafeBytes { input in
                LZ4_decompress_safe(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(input.count),
                    Int32(rows.count * 8)
                )
            }
            count = max(0, Int(written)) / 8
        }
        guard matches, output.count == rows.count else { throw BenchError("lz4 did not give the rows back") }
    }
}
