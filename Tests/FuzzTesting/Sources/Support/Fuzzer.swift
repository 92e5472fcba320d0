#if FUZZING
    internal import CLibFuzzer
    internal import Foundation

    /// Runs libFuzzer over one check, with the arguments of this process.
    public enum Fuzzer {
        // Set once, before the only thread starts.
        nonisolated(unsafe) private static var check: ([UInt8]) -> Bool = { _ in true }

        /// - Parameter check: decodes the bytes; false, which stops the process, if what it decoded contradicts what
        ///   the decoder promises. A refusal is no contradiction.
        public static func run(_ check: @escaping ([UInt8]) -> Bool) -> Never {
            Fuzzer.check = check
            var count = CommandLine.argc
            var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
            exit(
                LLVMFuzzerRunDriver(&count, &arguments) { start, count in
                    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
                    precondition(Fuzzer.check(bytes), "a decoder breaks its promise")
                    return 0
                }
            )
        }
    }
#endif
