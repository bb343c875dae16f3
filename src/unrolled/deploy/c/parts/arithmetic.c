/* a * b + c, rounded once where the processor can. Elsewhere it is rounded twice, and answers differ from the
   stream's in their last digits. */
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

#ifdef __FAST_MATH__
#error "-ffast-math changes the answers: leave it out"
#endif

/* Every other operation is rounded on its own: the compiler must not join what stands apart. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

typedef union {
    float number;
    uint32_t bits;
} word32;
