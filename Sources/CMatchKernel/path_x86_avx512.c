// x86-64 with AVX-512 and VAES: SHA-256 of 16 keys in lanes, faster than SHA-NI, and AES of four blocks in a register.

#if defined(__x86_64__)
#define LANES 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,vaes,popcnt")))
#define EXPAND kt_expand_x86
#include "derive.h"

#include <immintrin.h>

INLINE void load_schedule(const uint8_t *schedule, __m512i keys[11]) {
    for (unsigned i = 0; i < 11; i++) keys[i] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)schedule + i));
}

TARGET static void encrypt(const uint8_t *schedule, const uint8_t *blocks, size_t count, uint8_t *out) {
    __m512i keys[11];
    load_schedule(schedule, keys);
    for (size_t i = 0; i < count; i += 4) {
        __m512i block = _mm512_xor_si512(_mm512_loadu_si512(blocks + 16 * i), keys[0]);
        UNROLL for (unsigned round = 1; round < 10; round++) block = _mm512_aesenc_epi128(block, keys[round]);
        _mm512_storeu_si512(out + 16 * i, _mm512_aesenclast_epi128(block, keys[10]));
    }
}

/// The first words of 16 encrypted blocks, in order if block 4 * q + r is in quarter q of register r.
///
/// A first word depends on bytes 0, 5, 10 and 15 of the state before the last round. Turned by r words, those of four
/// registers fill one, whose last round gives all first words: three shuffles in place of three rounds and collecting.
INLINE __m512i first_words(const __m512i blocks[4], const __m512i keys[11]) {
    __m512i s[4];
    for (unsigned i = 0; i < 4; i++) s[i] = _mm512_xor_si512(_mm512_loadu_si512(blocks + i), keys[0]);
    UNROLL for (unsigned round = 1; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++) s[i] = _mm512_aesenc_epi128(s[i], keys[round]);
    }
    const __m512i once = _mm512_broadcast_i32x4(_mm_setr_epi32(0x0f0e0d0c, 0x03020100, 0x07060504, 0x0b0a0908));
    const __m512i twice = _mm512_shuffle_epi32(once, _MM_PERM_CBAD), thrice = _mm512_shuffle_epi32(once, _MM_PERM_BADC);
    s[0] = _mm512_mask_shuffle_epi8(s[0], 0x4218421842184218, s[1], once);
    s[0] = _mm512_mask_shuffle_epi8(s[0], 0x2184218421842184, s[2], twice);
    s[0] = _mm512_mask_shuffle_epi8(s[0], 0x1842184218421842, s[3], thrice);
    return _mm512_aesenclast_epi128(s[0], _mm512_shuffle_epi32(keys[10], _MM_PERM_AAAA));
}

TARGET static size_t sift(struct kt_work *work, size_t count, uint32_t *candidates) {
    const __m512i names = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i blocks[KT_INTERVALS_MAX / 4], keys[11];
    for (size_t i = 0; i < KT_INTERVALS_MAX; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)work->blocks + i);
        _mm_store_si128((__m128i *)blocks + (i / 16 * 16 + i % 4 * 4 + i % 16 / 4), block);
    }
    size_t passed = 0;
    for (size_t key = 0; key < count; key++) {
        load_schedule(work->schedules + KT_SCHEDULE * key, keys);
        for (size_t i = 0; i < work->count; i += 16) {
            __m512i bits = _mm512_and_si512(first_words(blocks + i / 4, keys), _mm512_set1_epi32((int)work->mask));
            __m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(bits, 5), work->filter, 4);
            __mmask16 there = work->count - i < 16 ? (__mmask16)((1 << (work->count - i)) - 1) : 0xffff;
            __mmask16 pass = _mm512_mask_test_epi32_mask(there, words, _mm512_rolv_epi32(_mm512_set1_epi32(1), bits));
            // Without a branch: which ones pass is as good as random. No more passed than came before, so 16 have room.
            __m512i named = _mm512_add_epi32(names, _mm512_set1_epi32((int)(key << 8 | i)));
            _mm512_storeu_si512(candidates + passed, _mm512_maskz_compress_epi32(pass, named));
            passed += (size_t)_mm_popcnt_u32(pass);
        }
    }
    return passed;
}

const struct kt_path kt_path_x86_avx512 = {derive, encrypt, sift};
#endif
