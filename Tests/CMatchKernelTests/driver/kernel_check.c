// Holds every path that runs here against published vectors and against the portable path, in memory that ends where
// it may: made for sanitizers, and for processors that have no Swift.
//
// Usage: kernel_check NAME… < VECTORS     each line of VECTORS an interval number and an identifier in hexadecimal.
// Fails if a path of the NAMEs is not available. Exit status: 0 all hold, 1 else.

#include "match_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(bool holds, const char *what, enum kt_kernel kernel, size_t keys, size_t intervals) {
    if (holds) return;
    fprintf(stderr, "kernel_check: %s: %s (%zu keys, %zu intervals)\n", kt_kernel_name(kernel), what, keys, intervals);
    failures++;
}

static uint64_t next(void) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/// Memory of exactly that size, filled with random bytes; its address is odd, so the caller frees one byte before.
static uint8_t *odd(size_t size) {
    uint8_t *memory = malloc(size + 1);
    if (memory == NULL) exit(1);
    for (size_t i = 0; i <= size; i++) memory[i] = (uint8_t)(next() >> 32);
    return memory + 1;
}

static void *exact(size_t size) {
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) exit(1);
    memset(memory, 0x5a, size);
    return memory;
}

struct vectors {
    size_t count;
    uint32_t intervals[KT_INTERVALS_MAX];
    uint8_t identifiers[16 * KT_INTERVALS_MAX];
};

static void read_vectors(struct vectors *vectors) {
    char text[33];
    unsigned byte;
    while (vectors->count < KT_INTERVALS_MAX && scanf("%u %32s", &vectors->intervals[vectors->count], text) == 2) {
        for (size_t i = 0; i < 16 && sscanf(text + 2 * i, "%2x", &byte) == 1; i++) {
            vectors->identifiers[16 * vectors->count + i] = (uint8_t)byte;
        }
        vectors->count++;
    }
    if (vectors->count == 0) failures++, fprintf(stderr, "kernel_check: no vectors to read\n");
}

static void check_vectors(enum kt_kernel kernel, const struct vectors *vectors) {
    static const uint8_t key[16] = {0x75, 0xc7, 0x34, 0xc6, 0xdd, 0x1a, 0x78, 0x2d,
                                    0xe7, 0xa9, 0x65, 0xda, 0x5e, 0xb9, 0x31, 0x25};
    uint8_t *identifiers = exact(16 * vectors->count);
    bool ran = kt_identifiers(kernel, key, 1, vectors->intervals, vectors->count, identifiers);
    bool equal = memcmp(identifiers, vectors->identifiers, 16 * vectors->count) == 0;
    expect(ran && equal, "other identifiers than the published ones", kernel, 1, vectors->count);
    free(identifiers);
}

/// What kt_match must find, from all identifiers; returns how many.
static size_t brute_force(const uint8_t *identifiers, size_t keys, size_t intervals, const uint32_t *filter,
                          unsigned log2, struct kt_hit *hits) {
    size_t found = 0;
    for (size_t i = 0; i < keys * intervals; i++) {
        const uint8_t *bytes = identifiers + 16 * i;
        uint32_t first = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        uint32_t bit = first % (UINT32_C(1) << log2);
        if ((filter[bit / 32] >> bit % 32 & 1) == 0) continue;
        hits[found] = (struct kt_hit){(uint32_t)(i / intervals), (uint32_t)(i % intervals), {0}};
        memcpy(hits[found++].identifier, bytes, 16);
    }
    return found;
}

/// Matches by as many calls as the capacity makes necessary, and compares with what must be found.
static void check_match(enum kt_kernel kernel, const uint8_t *keys, size_t key_count, const uint32_t *intervals,
                        size_t interval_count, const uint8_t *identifiers, unsigned log2, unsigned density,
                        size_t capacity) {
    size_t words = (size_t)1 << (log2 - 5), matched = 0, found = 0;
    uint32_t *filter = exact(4 * words);
    for (size_t i = 0; i < words; i++) {
        filter[i] = 0;
        for (unsigned bit = 0; bit < 32; bit++) filter[i] |= (uint32_t)(next() >> 20 & 255) < density ? 1u << bit : 0;
    }
    struct kt_hit *wanted = exact(sizeof *wanted * key_count * interval_count);
    struct kt_hit *hits = exact(sizeof *hits * capacity);
    size_t count = brute_force(identifiers, key_count, interval_count, filter, log2, wanted);
    while (matched < key_count) {
        struct kt_match_result result = kt_match(kernel, keys + 16 * matched, key_count - matched, intervals,
                                                 interval_count, filter, log2, hits, capacity);
        bool fits = result.keys > 0 && result.hits <= capacity && found + result.hits <= count;
        expect(fits, "no progress, or too many hits", kernel, key_count, interval_count);
        if (!fits) break;
        for (size_t i = 0; i < result.hits; i++) hits[i].key += (uint32_t)matched;
        bool same = memcmp(hits, wanted + found, sizeof *hits * result.hits) == 0;
        expect(same, "other hits than brute force finds", kernel, key_count, interval_count);
        matched += result.keys;
        found += result.hits;
    }
    expect(found == count, "hits are missing", kernel, key_count, interval_count);
    free(filter);
    free(wanted);
    free(hits);
}

static void check_random(enum kt_kernel kernel, size_t key_count, size_t interval_count) {
    uint8_t *keys = odd(16 * key_count);
    uint32_t *intervals = exact(4 * interval_count);
    for (size_t i = 0; i < interval_count; i++) intervals[i] = (uint32_t)(next() >> 16);
    size_t size = 16 * key_count * interval_count;
    uint8_t *wanted = odd(size), *identifiers = odd(size);
    bool ran = kt_identifiers(KT_PORTABLE, keys, key_count, intervals, interval_count, wanted) &&
               kt_identifiers(kernel, keys, key_count, intervals, interval_count, identifiers);
    bool equal = memcmp(wanted, identifiers, size) == 0;
    expect(ran && equal, "other identifiers than the portable path's", kernel, key_count, interval_count);
    static const unsigned densities[] = {0, 2, 30, 256};
    for (unsigned i = 0; i < 4; i++) {
        unsigned log2 = KT_FILTER_LOG2_MIN + (unsigned)(next() >> 32) % (KT_FILTER_LOG2_MAX - KT_FILTER_LOG2_MIN + 1);
        size_t capacity = KT_INTERVALS_MAX + (size_t)(next() >> 32) % 200;
        check_match(kernel, keys, key_count, intervals, interval_count, wanted, log2, densities[i], capacity);
    }
    free(keys - 1);
    free(intervals);
    free(wanted - 1);
    free(identifiers - 1);
}

int main(int argc, char **argv) {
    static struct vectors vectors;
    static const size_t keys[] = {0, 1, 2, 3, 31, 32, 33, 200}, intervals[] = {0, 1, 7, 8, 17, 143, 144};
    read_vectors(&vectors);
    for (int kernel = 0; kernel < KT_KERNELS; kernel++) {
        if (!kt_kernel_available((enum kt_kernel)kernel)) continue;
        check_vectors((enum kt_kernel)kernel, &vectors);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            for (size_t j = 0; j < sizeof intervals / sizeof *intervals; j++) {
                check_random((enum kt_kernel)kernel, keys[i], intervals[j]);
            }
        }
        printf("%s: %d failures\n", kt_kernel_name((enum kt_kernel)kernel), failures);
    }
    for (int i = 1; i < argc; i++) {
        bool found = false;
        for (int kernel = 0; kernel < KT_KERNELS; kernel++) {
            found |= kt_kernel_available((enum kt_kernel)kernel) &&
                     strcmp(argv[i], kt_kernel_name((enum kt_kernel)kernel)) == 0;
        }
        if (!found) failures++, fprintf(stderr, "kernel_check: the path %s does not run here\n", argv[i]);
    }
    return failures > 0;
}
