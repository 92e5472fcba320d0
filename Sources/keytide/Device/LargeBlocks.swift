import CMalloc

/// How the C library keeps memory.
enum LargeBlocks {
    /// Gives blocks of the size of a batch back to the system as soon as they are free.
    ///
    /// By itself the library keeps what was freed once, in each thread's share apart, for blocks as large as any that it
    /// has seen: a sync of a million keys then has 47 MB at its peak instead of 27, on a phone that has other things to
    /// do with them.
    static func returnAtOnce() {
        mallopt(M_MMAP_THRESHOLD, 256 << 10)
    }
}
