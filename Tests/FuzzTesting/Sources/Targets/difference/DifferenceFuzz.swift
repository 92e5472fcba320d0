import FeedFormat

#if FUZZING
    import Support
#endif

/// What a node serves of another node's index.
enum DifferenceFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let difference = try? IndexDifference(bytes: bytes[...]) else { return true }
        return difference.bytes == bytes
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(DifferenceFuzz.holds) }
    }
#endif
