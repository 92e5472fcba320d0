import ClientSync
import FeedFormat

#if FUZZING
    import Support
#endif

/// What a phone keeps as bytes, as it is and behind a header.
enum StateFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        [bytes, Array("KTSTATE\u{1}".utf8) + bytes].allSatisfy(isSound)
    }

    /// What is read comes back, and a store can be made of it.
    private static func isSound(_ bytes: [UInt8]) -> Bool {
        do {
            let state = try DeviceState(bytes: bytes)
            _ = MemoryDeviceStorage(state)
            let written = try state.bytes()
            let again = try DeviceState(bytes: written)
            return try again == state && again.bytes() == written
        } catch let error as FormatError {
            return !error.reason.isEmpty
        } catch {
            return false
        }
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(StateFuzz.holds) }
    }
#endif
