#pragma once

// Rolling proximity identifiers of many temporary exposure keys at once, and a test of each against a bit filter: what
// a phone spends its time on when it matches a national feed.
//
// RPIK = HKDF-SHA256(key, no salt, "EN-RPIK", 16 bytes); the identifier of an interval number is AES-128(RPIK, "EN-RPI"
// || 6 zero bytes || number, little-endian). Source: Exposure Notification Cryptography Specification 1.2. Diagnosis
// keys are public: nothing here guards against being timed. No function keeps state or memory, each needs 40 KiB of
// stack at most, and any number of threads may call. Pointers to bytes need no alignment, others that of their type.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Which instructions compute. All paths give the same results.
enum kt_kernel {
    KT_PORTABLE = 0,
    KT_X86_SHA = 1,    ///< SHA-NI and AES-NI
    KT_X86_AVX512 = 2, ///< AVX-512 (F, BW, VL) and VAES
    KT_ARM_CRYPTO = 3, ///< ARMv8's AES and SHA-2
};

enum { KT_KERNELS = 4, KT_INTERVALS_MAX = 144, KT_FILTER_LOG2_MIN = 12, KT_FILTER_LOG2_MAX = 20 };

/// Whether this was compiled with the path, and processor and system can run it. False for unknown numbers.
bool kt_kernel_available(enum kt_kernel kernel);

/// The fastest path that is available.
enum kt_kernel kt_kernel_best(void);

/// A name for reports, never freed; "unknown" for unknown numbers.
const char *kt_kernel_name(enum kt_kernel kernel);

/// Writes all identifiers of all keys.
///
/// keys: key_count times 16 bytes. intervals: interval_count numbers in any order, at most KT_INTERVALS_MAX.
/// identifiers: key_count * interval_count times 16 bytes, by key, then by interval; or NULL, and nothing is kept: that
/// loop is the bound that kt_match is held against. Returns false, having written nothing, if the path is not available
/// or there are too many intervals.
bool kt_identifiers(enum kt_kernel kernel, const uint8_t *keys, size_t key_count, const uint32_t *intervals,
                    size_t interval_count, uint8_t *identifiers);

/// An identifier that passed the filter, with the positions of its key and interval.
struct kt_hit {
    uint32_t key;
    uint32_t interval;
    uint8_t identifier[16];
};

struct kt_match_result {
    size_t keys; ///< how many keys were done: always the first ones, each with all its hits
    size_t hits; ///< how many hits were written: all of those keys
};

/// Derives the identifiers of all keys and writes those that pass the filter, by key, then by interval.
///
/// keys, intervals: as above, at most UINT32_MAX keys. filter: 2^filter_log2 bits, number n being bit n % 32 of word
/// n / 32. An identifier passes if the bit is set that the low filter_log2 bits of its first four bytes, read
/// little-endian, number. hits: room for hit_capacity, at least KT_INTERVALS_MAX.
///
/// Stops before a key whose hits do not fit: drain the hits and go on at keys + 16 * result.keys, where positions begin
/// at 0 again. Does at least one key, if there is one. Both results are 0, and nothing is written, if the path is not
/// available or an argument is out of its range. What is done before the filter depends on neither keys nor filter.
struct kt_match_result kt_match(enum kt_kernel kernel, const uint8_t *keys, size_t key_count, const uint32_t *intervals,
                                size_t interval_count, const uint32_t *filter, unsigned filter_log2,
                                struct kt_hit *hits, size_t hit_capacity);
