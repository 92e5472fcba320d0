import CMalloc

/// Gives small blocks of memory that were freed back to the system: by itself the C library keeps them, in each thread's
/// share apart. `LargeBlocks` does the same for large ones.
enum FreedMemory {
    /// Less is not worth a look through all shares.
    private static let worthwhileBytes = 16 << 20
    private static let pause = Duration.seconds(5)
    /// Looks after which free blocks are gone through again, though there seem to be no more of them than before.
    private static let looks = 4

    /// Looks every few seconds whether much was freed, and returns it. Until cancelled.
    static func keepReturning() async {
        // Free blocks as they were after the last time: their pages have gone back.
        var returned = 0
        var look = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            let free = Int(mallinfo2().fordblks)
            look += 1
            guard free > worthwhileBytes, free > returned + worthwhileBytes || look >= looks else {
                returned = min(returned, free)
                continue
            }
            malloc_trim(0)
            returned = Int(mallinfo2().fordblks)
            look = 0
        }
    }
}
