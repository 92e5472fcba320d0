#pragma once

// What match_kernel.c and the paths know of each other.

#include "match_kernel.h"

enum {
    KT_CHUNK = 32, ///< keys that go through the steps together: their schedules leave room for a filter in the cache
    KT_SCHEDULE = 176, ///< eleven round keys of 16 bytes
};

/// What a call works with.
struct kt_work {
    const struct kt_path *path;
    size_t count; ///< of intervals
    uint8_t blocks[16 * KT_INTERVALS_MAX]; ///< to encrypt, filled up with zeros
    uint8_t encrypted[16 * KT_INTERVALS_MAX]; ///< for one key
    uint8_t schedules[KT_SCHEDULE * KT_CHUNK]; ///< of the keys at hand
    const uint32_t *filter;
    uint32_t mask; ///< selects the bits of a first word that number the bit of the filter
};

struct kt_path {
    /// Makes key schedules of RPIKs, for at least the first count. keys and schedules have room for KT_CHUNK.
    void (*derive)(const uint8_t *keys, size_t count, uint8_t *schedules);
    /// Encrypts blocks of 16 bytes: count, rounded up to a multiple of 4.
    void (*encrypt)(const uint8_t *schedule, const uint8_t *blocks, size_t count, uint8_t *out);
    /// Writes what passes, as key * 256 + interval in rising order, and returns how many. candidates has room for all
    /// of a chunk, and may be written to behind what passed. NULL where it is as fast to encrypt and then look.
    size_t (*sift)(struct kt_work *work, size_t keys, uint32_t *candidates);
};

extern const struct kt_path kt_path_portable, kt_path_x86_sha, kt_path_x86_avx512, kt_path_arm;
extern const uint32_t kt_sha_rounds[64];
