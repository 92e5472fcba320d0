// The functions of match_kernel.h: choice of a path, chunks of keys, and what is left to do for what passed the filter.

#include "kernel_path.h"

#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/// The path if it can run here, else NULL.
static const struct kt_path *available_path(enum kt_kernel kernel) {
#if defined(__x86_64__)
    bool sha = __builtin_cpu_supports("sha") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
    if (kernel == KT_X86_SHA && sha) return &kt_path_x86_sha;
    // False as well where the system does not save the registers.
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vaes");
    if (kernel == KT_X86_AVX512 && sha && avx512) return &kt_path_x86_avx512;
#elif defined(__aarch64__) && defined(__APPLE__)
    // All of Apple's 64-bit processors have the extensions.
    if (kernel == KT_ARM_CRYPTO) return &kt_path_arm;
#elif defined(__aarch64__) && defined(__linux__)
    const unsigned long needed = HWCAP_AES | HWCAP_SHA2;
    if (kernel == KT_ARM_CRYPTO && (getauxval(AT_HWCAP) & needed) == needed) return &kt_path_arm;
#endif
    return kernel == KT_PORTABLE ? &kt_path_portable : NULL;
}

bool kt_kernel_available(enum kt_kernel kernel) {
    return available_path(kernel) != NULL;
}

enum kt_kernel kt_kernel_best(void) {
    int kernel = KT_KERNELS - 1;
    while (!kt_kernel_available((enum kt_kernel)kernel)) kernel--;
    return (enum kt_kernel)kernel;
}

const char *kt_kernel_name(enum kt_kernel kernel) {
    static const char *const names[KT_KERNELS] = {"portable", "x86-sha-aes", "x86-avx512-vaes", "arm-crypto"};
    return (unsigned)kernel < KT_KERNELS ? names[kernel] : "unknown";
}

static bool set_up(struct kt_work *work, enum kt_kernel kernel, const uint32_t *intervals, size_t count) {
    work->path = available_path(kernel);
    work->count = count;
    if (work->path == NULL || count > KT_INTERVALS_MAX) return false;
    memset(work->blocks, 0, sizeof work->blocks);
    for (size_t i = 0; i < count; i++) {
        uint8_t *block = work->blocks + 16 * i;
        memcpy(block, "EN-RPI", 6);
        for (unsigned j = 0; j < 4; j++) block[12 + j] = (uint8_t)(intervals[i] >> 8 * j);
    }
    return true;
}

/// Makes the key schedules of the next keys and returns of how many. Zeros fill up a chunk.
static size_t derive_chunk(struct kt_work *work, const uint8_t *keys, size_t left) {
    uint8_t chunk[16 * KT_CHUNK] = {0};
    size_t count = left < KT_CHUNK ? left : KT_CHUNK;
    memcpy(chunk, keys, 16 * count);
    work->path->derive(chunk, count, work->schedules);
    return count;
}

bool kt_identifiers(enum kt_kernel kernel, const uint8_t *keys, size_t key_count, const uint32_t *intervals,
                    size_t interval_count, uint8_t *identifiers) {
    struct kt_work work;
    size_t size = 16 * interval_count;
    if (!set_up(&work, kernel, intervals, interval_count)) return false;
    for (size_t done = 0, chunk; done < key_count; done += chunk) {
        chunk = derive_chunk(&work, keys + 16 * done, key_count - done);
        for (size_t i = 0; i < chunk; i++) {
            work.path->encrypt(work.schedules + KT_SCHEDULE * i, work.blocks, interval_count, work.encrypted);
            if (identifiers != NULL) memcpy(identifiers + size * (done + i), work.encrypted, size);
        }
    }
    return true;
}

/// As kt_path.sift.
static size_t sift(struct kt_work *work, size_t keys, uint32_t *candidates) {
    size_t passed = 0;
    for (size_t key = 0; key < keys; key++) {
        work->path->encrypt(work->schedules + KT_SCHEDULE * key, work->blocks, work->count, work->encrypted);
        for (size_t i = 0; i < work->count; i++) {
            const uint8_t *first = work->encrypted + 16 * i; // A filter has no use for more than three bytes.
            uint32_t bit = (first[0] | (uint32_t)first[1] << 8 | (uint32_t)first[2] << 16) & work->mask;
            // Without a branch: which ones pass is as good as random.
            candidates[passed] = (uint32_t)(key << 8 | i);
            passed += work->filter[bit >> 5] >> (bit & 31) & 1;
        }
    }
    return passed;
}

struct kt_match_result kt_match(enum kt_kernel kernel, const uint8_t *keys, size_t key_count, const uint32_t *intervals,
                                size_t interval_count, const uint32_t *filter, unsigned filter_log2,
                                struct kt_hit *hits, size_t hit_capacity) {
    struct kt_match_result result = {0, 0};
    struct kt_work work;
    uint32_t candidates[KT_CHUNK * KT_INTERVALS_MAX];
    if (!set_up(&work, kernel, intervals, interval_count) || key_count > UINT32_MAX ||
        hit_capacity < KT_INTERVALS_MAX || filter_log2 < KT_FILTER_LOG2_MIN || filter_log2 > KT_FILTER_LOG2_MAX) {
        return result;
    }
    work.filter = filter;
    work.mask = (UINT32_C(1) << filter_log2) - 1;
    for (size_t chunk; result.keys < key_count; result.keys += chunk) {
        chunk = derive_chunk(&work, keys + 16 * result.keys, key_count - result.keys);
        size_t passed = (work.path->sift != NULL ? work.path->sift : sift)(&work, chunk, candidates);
        for (size_t i = 0; i < passed; i++) {
            uint32_t key = candidates[i] >> 8, interval = candidates[i] & 255;
            if (result.hits == hit_capacity) {
                // Not all hits of this key fit: those already written are taken back.
                for (; i > 0 && candidates[i - 1] >> 8 == key; i--) result.hits--;
                result.keys += key;
                return result;
            }
            const uint8_t *schedule = work.schedules + KT_SCHEDULE * key;
            work.path->encrypt(schedule, work.blocks + interval / 4 * 64, 4, work.encrypted);
            hits[result.hits] = (struct kt_hit){(uint32_t)result.keys + key, interval, {0}};
            memcpy(hits[result.hits++].identifier, work.encrypted + interval % 4 * 16, 16);
        }
    }
    return result;
}
