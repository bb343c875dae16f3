/* A square root, rounded correctly: from libm, or bit by bit where UNROLLED_NO_LIBM is defined. */
#ifndef UNROLLED_NO_LIBM
#include <math.h>
#define SQUARE_ROOT(x) sqrt(x)
#define SQUARE_ROOT_FLOAT(x) sqrtf(x)
#else
static double square_root(double x)
{
    union {
        double number;
        uint64_t bits;
    } word;
    uint64_t mantissa, root = 0, rest = 0;
    int exponent, step;
    if (!(x > 0.0))
        return x - x;
    word.number = x;
    exponent = (int)(word.bits >> 52) - 1023;
    mantissa = (word.bits & 0x000FFFFFFFFFFFFFu) | 0x0010000000000000u;
    if (exponent & 1) {
        mantissa <<= 1;
        exponent -= 1;
    }
    for (step = 0; step < 54; ++step) { /* a digit of the root a step, one more than a double holds */
        const uint64_t next = step < 27 ? (mantissa >> (52 - 2 * step)) & 3u : 0u;
        rest = (rest << 2) | next;
        root <<= 1;
        if (rest >= 2 * root + 1) {
            rest -= 2 * root + 1;
            root += 1;
        }
    }
    root = (root >> 1) + (root & 1u);
    word.bits = ((uint64_t)(exponent / 2 + 1023) << 52) + (root - 0x0010000000000000u);
    return word.number;
}
#define SQUARE_ROOT(x) square_root(x)
#define SQUARE_ROOT_FLOAT(x) ((float)square_root((double)(x)))
#endif
