// x86-64 with SHA-NI and AES-NI.

#if defined(__x86_64__)
#define LANES 4
#define TARGET __attribute__((target("sha,aes,sse4.1")))
#define EXPAND kt_expand_x86
#define OWN_COMPRESS
#include "derive.h"

#include <immintrin.h>

#define WORDS(x, a, b, c, d, lane) ((__m128i)(lanes){x[a][lane], x[b][lane], x[c][lane], x[d][lane]})

/// For two lanes from first on: one alone waits for its own results, and four take more registers than there are.
INLINE void compress_two(lanes state[8], const lanes block[16], unsigned first) {
    __m128i abef[2], cdgh[2], w[2][4];
    UNROLL for (unsigned i = 0; i < 2; i++) {
        abef[i] = WORDS(state, 5, 4, 1, 0, first + i), cdgh[i] = WORDS(state, 7, 6, 3, 2, first + i);
        UNROLL for (unsigned j = 0; j < 16; j += 4) w[i][j / 4] = WORDS(block, j, j + 1, j + 2, j + 3, first + i);
    }
    UNROLL for (unsigned t = 0; t < 16; t++) {
        UNROLL for (unsigned i = 0; i < 2; i++) {
            __m128i now = w[i][t & 3], before = w[i][(t + 3) & 3], *next = &w[i][(t + 1) & 3];
            __m128i input = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)kt_sha_rounds + t));
            cdgh[i] = _mm_sha256rnds2_epu32(cdgh[i], abef[i], input);
            abef[i] = _mm_sha256rnds2_epu32(abef[i], cdgh[i], _mm_shuffle_epi32(input, 0x0e));
            if (t < 3 || t == 15) continue;
            *next = _mm_add_epi32(_mm_sha256msg1_epu32(*next, w[i][(t + 2) & 3]), _mm_alignr_epi8(now, before, 4));
            *next = _mm_sha256msg2_epu32(*next, now);
        }
    }
    UNROLL for (unsigned i = 0; i < 2; i++) {
        UNROLL for (unsigned j = 0; j < 2; j++) {
            lanes x = (lanes)abef[i], y = (lanes)cdgh[i];
            state[1 - j][first + i] += x[j + 2], state[5 - j][first + i] += x[j];
            state[3 - j][first + i] += y[j + 2], state[7 - j][first + i] += y[j];
        }
    }
}

TARGET static void compress(lanes state[8], const lanes block[16]) {
    compress_two(state, block, 0);
    compress_two(state, block, 2);
}

TARGET void kt_expand_x86(const uint8_t *rpik, uint8_t *schedule) {
    __m128i key = _mm_loadu_si128((const __m128i *)rpik);
    for (unsigned round = 0, constant = 1;; round++, constant = constant << 1 ^ (constant >> 7) * 0x11b) {
        _mm_storeu_si128((__m128i *)schedule + round, key);
        if (round == 10) break;
        // All columns are the same here, so that a last round of AES leaves them in place and is the S-box alone.
        __m128i mixed = _mm_shuffle_epi8(key, _mm_set1_epi32(0x0c0f0e0d));
        mixed = _mm_aesenclast_si128(mixed, _mm_set1_epi32((int)constant));
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
        key = _mm_xor_si128(mixed, _mm_xor_si128(key, _mm_slli_si128(key, 8)));
    }
}

TARGET static void encrypt(const uint8_t *schedule, const uint8_t *blocks, size_t count, uint8_t *out) {
    __m128i keys[11];
    for (unsigned i = 0; i < 11; i++) keys[i] = _mm_loadu_si128((const __m128i *)schedule + i);
    for (size_t i = 0; i < (count + 3) / 4 * 4; i++) {
        __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)blocks + i), keys[0]);
        UNROLL for (unsigned round = 1; round < 10; round++) block = _mm_aesenc_si128(block, keys[round]);
        _mm_storeu_si128((__m128i *)out + i, _mm_aesenclast_si128(block, keys[10]));
    }
}

const struct kt_path kt_path_x86_sha = {derive, encrypt, NULL};
#endif
