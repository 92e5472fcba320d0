import FeedFormat

#if FUZZING
    import Support
#endif

/// The settled part of an index.
enum SettledFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        guard let part = try? IndexPart(bytes: bytes[...]) else { return true }
        return part.bytes == bytes && IndexPart(part.entries).bytes == bytes
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(SettledFuzz.holds) }
    }
#endif
