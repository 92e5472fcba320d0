// Key schedules of LANES keys at once, by SHA-256 over vectors in which each lane is a key. A path includes this after
// defining LANES, TARGET (the attribute of its functions), EXPAND (a function below), and OWN_COMPRESS if it brings
// compress(). Vectors are those of clang and gcc: the same text is AVX-512 in one path and plain code in another.

#include "kernel_path.h"

#define INLINE TARGET static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/// Makes the key schedule of one RPIK.
void EXPAND(const uint8_t *rpik, uint8_t *schedule);
/// Compresses one block into each lane's chaining value.
TARGET static __attribute__((noinline)) void compress(lanes state[8], const lanes block[16]);

#ifndef OWN_COMPRESS
#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define SIGMA(x, r, s, last) (ROTATE(x, r) ^ ROTATE(x, s) ^ (last))

/// Round t on a to h, which move on by one place a round.
INLINE void sha_round(lanes v[8], unsigned t, lanes input) {
    lanes a = v[-t & 7], b = v[(1 - t) & 7], c = v[(2 - t) & 7], *d = v + ((3 - t) & 7);
    lanes e = v[(4 - t) & 7], f = v[(5 - t) & 7], g = v[(6 - t) & 7], *h = v + ((7 - t) & 7);
    lanes first = (*h + input) + (((e & f) | (~e & g)) + SIGMA(e, 6, 11, ROTATE(e, 25)));
    *d += first;
    *h = first + ((((a ^ b) & (b ^ c)) ^ b) + SIGMA(a, 2, 13, ROTATE(a, 22)));
}

TARGET static void compress(lanes state[8], const lanes block[16]) {
    lanes v[8], w[16];
    for (unsigned i = 0; i < 8; i++) v[i] = state[i];
    for (unsigned i = 0; i < 16; i++) w[i] = block[i];
    for (unsigned t = 0;; t += 16) {
        UNROLL for (unsigned i = 0; i < 16; i++) sha_round(v, i, w[i] + kt_sha_rounds[t + i]);
        if (t == 48) break;
        UNROLL for (unsigned i = 0; i < 16; i++) {
            lanes x = w[(i + 1) & 15], y = w[(i + 14) & 15];
            w[i] += SIGMA(x, 7, 18, x >> 3) + (SIGMA(y, 17, 19, y >> 10) + w[(i + 9) & 15]);
        }
    }
    for (unsigned i = 0; i < 8; i++) state[i] += v[i];
}
#endif

/// Compresses a block of count words of data: HMAC's key XORed with the filler, if there is one, else the last block of
/// a message of that many bits.
TARGET static void absorb(lanes state[8], const lanes *data, unsigned count, uint32_t filler, uint32_t bits) {
    lanes block[16] = {0};
    for (unsigned i = 0; i < count; i++) block[i] = data[i];
    for (unsigned i = 0; i < 16; i++) block[i] ^= filler;
    block[count] += filler != 0 ? 0 : 0x80000000;
    block[15] += bits;
    compress(state, block);
}

TARGET static void hkdf(const uint8_t *keys, uint8_t *rpiks) {
    // Chaining values: the first ones, and HMAC's behind the empty salt, inner and outer.
    static const uint32_t known[3][8] = {
        {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
        {0xf454dead, 0x9725214f, 0x90daf2a0, 0xdf1228ea, 0x64e5750f, 0xa3924181, 0x824a932b, 0xf8e04e32},
        {0xd385480f, 0x7abb6477, 0x37c9c538, 0x5dd82467, 0x8e043a72, 0x753434b0, 0xdeb82818, 0x361d45a6}};
    lanes key[4], info[2] = {(lanes){0} + 0x454e2d52, (lanes){0} + 0x50494b01}; // "EN-RPIK", 1
    lanes extract[2][8], expand[2][8];
    for (unsigned i = 0; i < 16; i++) extract[i / 8][i % 8] = (lanes){0} + known[1 + i / 8][i % 8];
    for (unsigned i = 0; i < 16; i++) expand[i / 8][i % 8] = (lanes){0} + known[0][i % 8];
    for (unsigned i = 0; i < 4 * LANES; i++) {
        const uint8_t *word = keys + 4 * i;
        key[i % 4][i / 4] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
    }
    // HMAC's key takes 512 bits; an exposure key behind it 128, a digest 256, the info 64.
    absorb(extract[0], key, 4, 0, 512 + 128);
    absorb(extract[1], extract[0], 8, 0, 512 + 256);
    absorb(expand[0], extract[1], 8, 0x36363636, 0);
    absorb(expand[1], extract[1], 8, 0x5c5c5c5c, 0);
    absorb(expand[0], info, 2, 0, 512 + 64);
    absorb(expand[1], expand[0], 8, 0, 512 + 256);
    for (unsigned i = 0; i < 4 * LANES; i++) {
        uint32_t word = expand[1][i % 4][i / 4];
        for (unsigned j = 0; j < 4; j++) rpiks[4 * i + j] = (uint8_t)(word >> (24 - 8 * j));
    }
}

TARGET static void derive(const uint8_t *keys, size_t count, uint8_t *schedules) {
    uint8_t rpiks[16 * LANES];
    for (size_t i = 0; i < count; i++) {
        if (i % LANES == 0) hkdf(keys + 16 * i, rpiks);
        EXPAND(rpiks + i % LANES * 16, schedules + KT_SCHEDULE * i);
    }
}
