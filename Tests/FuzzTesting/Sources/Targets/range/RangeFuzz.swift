import FeedFormat

#if FUZZING
    import Support
#endif

/// The body of a range, read as one batch, as four and as the widest range.
enum RangeFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        [0, 2, 17].allSatisfy { level in
            guard let range = FeedRange(level: level, index: 0) else { return false }
            guard let body = try? RangeBody(bytes[...], range: range) else { return true }
            return body.batches.count == Int(range.count) && body.checkpoint.count <= 1024
                && Array(body.batches.joined()) + body.checkpoint == bytes
        }
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(RangeFuzz.holds) }
    }
#endif
