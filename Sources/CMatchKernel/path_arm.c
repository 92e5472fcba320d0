// ARMv8 with the AES and SHA-2 extensions.

#if defined(__aarch64__)
#define LANES 4
#define TARGET __attribute__((target("aes,sha2")))
#define EXPAND kt_expand_arm
#define OWN_COMPRESS
#include "derive.h"

#include <arm_neon.h>

/// Four words of a lane.
#define WORDS(x, first, lane) ((lanes){x[first][lane], x[first + 1][lane], x[first + 2][lane], x[first + 3][lane]})

TARGET static void compress(lanes state[8], const lanes block[16]) {
    lanes abcd[LANES], efgh[LANES], w[LANES][4];
    UNROLL for (unsigned i = 0; i < LANES; i++) {
        abcd[i] = WORDS(state, 0, i), efgh[i] = WORDS(state, 4, i);
        UNROLL for (unsigned j = 0; j < 4; j++) w[i][j] = WORDS(block, 4 * j, i);
    }
    UNROLL for (unsigned t = 0; t < 16; t++) {
        UNROLL for (unsigned i = 0; i < LANES; i++) {
            lanes *now = &w[i][t & 3], input = *now + vld1q_u32(kt_sha_rounds + 4 * t), before = abcd[i];
            abcd[i] = vsha256hq_u32(before, efgh[i], input);
            efgh[i] = vsha256h2q_u32(efgh[i], before, input);
            // The words of 16 rounds on take the place of those just used.
            *now = vsha256su1q_u32(vsha256su0q_u32(*now, w[i][(t + 1) & 3]), w[i][(t + 2) & 3], w[i][(t + 3) & 3]);
        }
    }
    UNROLL for (unsigned i = 0; i < LANES; i++) {
        UNROLL for (unsigned j = 0; j < 4; j++) state[j][i] += abcd[i][j], state[j + 4][i] += efgh[i][j];
    }
}

TARGET void kt_expand_arm(const uint8_t *rpik, uint8_t *schedule) {
    const uint8x16_t rotation = vreinterpretq_u8_u32(vdupq_n_u32(0x0c0f0e0d)), zero = vdupq_n_u8(0);
    uint8x16_t key = vld1q_u8(rpik);
    for (unsigned round = 0, constant = 1;; round++, constant = constant << 1 ^ (constant >> 7) * 0x11b) {
        vst1q_u8(schedule + 16 * round, key);
        if (round == 10) break;
        // All columns are the same here, so that a round of AES leaves them in place and is the S-box alone.
        uint8x16_t mixed = vaeseq_u8(vqtbl1q_u8(key, rotation), zero);
        mixed = veorq_u8(mixed, vreinterpretq_u8_u32(vdupq_n_u32(constant)));
        key = veorq_u8(key, vextq_u8(zero, key, 12));
        key = veorq_u8(mixed, veorq_u8(key, vextq_u8(zero, key, 8)));
    }
}

TARGET static void encrypt(const uint8_t *schedule, const uint8_t *blocks, size_t count, uint8_t *out) {
    const uint8x16_t ninth = vld1q_u8(schedule + 144), last = vld1q_u8(schedule + 160);
    for (size_t i = 0; i < count; i += 4, blocks += 64, out += 64) {
        uint8x16_t s[4];
        for (unsigned j = 0; j < 4; j++) s[j] = vld1q_u8(blocks + 16 * j);
        UNROLL for (unsigned round = 0; round < 9; round++) {
            uint8x16_t key = vld1q_u8(schedule + 16 * round);
            for (unsigned j = 0; j < 4; j++) s[j] = vaesmcq_u8(vaeseq_u8(s[j], key));
        }
        for (unsigned j = 0; j < 4; j++) vst1q_u8(out + 16 * j, veorq_u8(vaeseq_u8(s[j], ninth), last));
    }
}

const struct kt_path kt_path_arm = {derive, encrypt, NULL};
#endif
