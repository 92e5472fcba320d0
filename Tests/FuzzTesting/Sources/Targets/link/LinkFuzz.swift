import FeedFormat
import Replication

#if FUZZING
    import Support
#endif

/// What comes over a link: at once, in pieces whose sizes the bytes choose, and one byte at a time.
enum LinkFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let whole = outcome(of: bytes) { _ in bytes.count }
        let pieces = outcome(of: bytes) { 1 + Int(bytes[$0]) % 61 }
        guard whole == pieces, bytes.count > 4096 || whole == outcome(of: bytes, pieceAt: { _ in 1 }) else {
            return false
        }
        // What was read can be written and read again, one frame after the other.
        let encoded = whole.frames.flatMap { $0.encoded() }
        return outcome(of: encoded) { _ in encoded.count } == Outcome(frames: whole.frames)
    }

    private struct Outcome: Equatable {
        var frames: [LinkFrame] = []
        var error: FormatError?
    }

    /// All frames up to the end or the first error.
    private static func outcome(of bytes: [UInt8], pieceAt size: (Int) -> Int) -> Outcome {
        var decoder = LinkFrameDecoder()
        var outcome = Outcome()
        var position = 0
        do throws(FormatError) {
            while position < bytes.count {
                let end = min(bytes.count, position + size(position))
                decoder.append(bytes[position..<end])
                while let frame = try decoder.next() { outcome.frames.append(frame) }
                position = end
            }
        } catch {
            outcome.error = error
        }
        return outcome
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(LinkFuzz.holds) }
    }
#endif
