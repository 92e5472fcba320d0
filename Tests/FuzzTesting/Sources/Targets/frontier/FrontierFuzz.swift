import FeedFormat

#if FUZZING
    import Support
#endif

/// The bytes of a frontier.
enum FrontierFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        guard var frontier = try? Frontier(bytes: bytes[...]) else { return true }
        guard frontier.bytes == bytes, frontier.hashes.count == frontier.size.nonzeroBitCount else { return false }
        let size = frontier.size
        let root = frontier.root
        for count in 1...9 {
            frontier.append(Hash256(leaf: [UInt8(count)]))
            guard frontier.size == size + UInt64(count), frontier.hashes.count == frontier.size.nonzeroBitCount else {
                return false
            }
        }
        return frontier.root != root
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(FrontierFuzz.holds) }
    }
#endif
