// The path for any processor. Its table makes time depend on keys, which are public.

#define LANES 4
#define TARGET
#define EXPAND kt_expand_portable
#include "derive.h"

#include <string.h>

const uint32_t kt_sha_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint8_t sbox[256] = {
    99, 124, 119, 123, 242, 107, 111, 197, 48, 1, 103, 43, 254, 215, 171, 118, 202, 130, 201, 125, 250, 89, 71, 240,
    173, 212, 162, 175, 156, 164, 114, 192, 183, 253, 147, 38, 54, 63, 247, 204, 52, 165, 229, 241, 113, 216, 49, 21, 4,
    199, 35, 195, 24, 150, 5, 154, 7, 18, 128, 226, 235, 39, 178, 117, 9, 131, 44, 26, 27, 110, 90, 160, 82, 59, 214,
    179, 41, 227, 47, 132, 83, 209, 0, 237, 32, 252, 177, 91, 106, 203, 190, 57, 74, 76, 88, 207, 208, 239, 170, 251,
    67, 77, 51, 133, 69, 249, 2, 127, 80, 60, 159, 168, 81, 163, 64, 143, 146, 157, 56, 245, 188, 182, 218, 33, 16, 255,
    243, 210, 205, 12, 19, 236, 95, 151, 68, 23, 196, 167, 126, 61, 100, 93, 25, 115, 96, 129, 79, 220, 34, 42, 144,
    136, 70, 238, 184, 20, 222, 94, 11, 219, 224, 50, 58, 10, 73, 6, 36, 92, 194, 211, 172, 98, 145, 149, 228, 121, 231,
    200, 55, 109, 141, 213, 78, 169, 108, 86, 244, 234, 101, 122, 174, 8, 186, 120, 37, 46, 28, 166, 180, 198, 232, 221,
    116, 31, 75, 189, 139, 138, 112, 62, 181, 102, 72, 3, 246, 14, 97, 53, 87, 185, 134, 193, 29, 158, 225, 248, 152,
    17, 105, 217, 142, 148, 155, 30, 135, 233, 206, 85, 40, 223, 140, 161, 137, 13, 191, 230, 66, 104, 65, 153, 45, 15,
    176, 84, 187, 22,
};

/// A column after SubBytes and ShiftRows: byte 0, lowest, of the first, byte 1 of the second and so on.
static uint32_t substitute(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return sbox[a & 255] | (uint32_t)sbox[b >> 8 & 255] << 8 | (uint32_t)sbox[c >> 16 & 255] << 16 |
           (uint32_t)sbox[d >> 24] << 24;
}

/// MixColumns of a column, its four bytes together.
static uint32_t mix(uint32_t x) {
    uint32_t twice = (x << 1 & 0xfefefefe) ^ (x >> 7 & 0x01010101) * 0x1b, thrice = twice ^ x;
    return twice ^ (thrice >> 8 | thrice << 24) ^ (x >> 16 | x << 16) ^ (x >> 24 | x << 8);
}

static uint32_t load(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/// A schedule is 44 words of this processor.
void kt_expand_portable(const uint8_t *rpik, uint8_t *schedule) {
    uint32_t words[44], constant = 1;
    for (unsigned i = 0; i < 44; i++) {
        uint32_t last = i < 4 ? load(rpik + 4 * i) : words[i - 1];
        if (i >= 4 && i % 4 == 0) {
            last = last >> 8 | last << 24;
            last = substitute(last, last, last, last) ^ constant;
            constant = mix(constant) & 255;
        }
        words[i] = i < 4 ? last : words[i - 4] ^ last;
    }
    memcpy(schedule, words, sizeof words);
}

static void encrypt(const uint8_t *schedule, const uint8_t *blocks, size_t count, uint8_t *out) {
    uint32_t keys[44], s[4], t[4];
    memcpy(keys, schedule, sizeof keys);
    for (const uint8_t *end = blocks + (count + 3) / 4 * 64; blocks < end; blocks += 16, out += 16) {
        for (unsigned j = 0; j < 4; j++) s[j] = load(blocks + 4 * j) ^ keys[j];
        for (unsigned round = 1; round <= 10; round++) {
            for (unsigned j = 0; j < 4; j++) t[j] = substitute(s[j], s[(j + 1) & 3], s[(j + 2) & 3], s[(j + 3) & 3]);
            for (unsigned j = 0; j < 4; j++) s[j] = (round < 10 ? mix(t[j]) : t[j]) ^ keys[4 * round + j];
        }
        for (unsigned j = 0; j < 16; j++) out[j] = (uint8_t)(s[j / 4] >> j % 4 * 8);
    }
}

const struct kt_path kt_path_portable = {derive, encrypt, NULL};
