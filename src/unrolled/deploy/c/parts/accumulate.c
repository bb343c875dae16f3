/* uses: arithmetic */
/* y += W x, for each output a sum that runs over k. W is stored (inputs, outputs): the inner loops run along
   memory, and a compiler makes vectors of them. Where the processor has vectors, the sums of 64 outputs stay in its
   registers; elsewhere, and for the outputs that are left, four inputs are taken at a time. */
#if defined(__AVX__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
#define TILED(outputs) ((outputs) - (outputs) % 64)
#else
#define TILED(outputs) 0
#endif

static inline void accumulate(float *restrict y, const float *restrict w, const float *restrict x, int inputs,
                              int outputs)
{
    const int tiled = TILED(outputs), fours = inputs - inputs % 4;
    int k, o, i;
    for (o = 0; o < tiled; o += 64) {
        float sum[64];
        for (i = 0; i < 64; ++i)
            sum[i] = y[o + i];
        for (k = 0; k < inputs; ++k)
            for (i = 0; i < 64; ++i)
                sum[i] = FMA(w[k * outputs + o + i], x[k], sum[i]);
        for (i = 0; i < 64; ++i)
            y[o + i] = sum[i];
    }
    if (tiled == outputs)
        return;
    for (k = 0; k < fours; k += 4, w += 4 * outputs) {
        const float x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
        for (o = tiled; o < outputs; ++o) {
            float sum = FMA(w[o], x0, y[o]);
            sum = FMA(w[outputs + o], x1, sum);
            sum = FMA(w[2 * outputs + o], x2, sum);
            y[o] = FMA(w[3 * outputs + o], x3, sum);
        }
    }
    for (k = fours; k < inputs; ++k, w += outputs)
        for (o = tiled; o < outputs; ++o)
            y[o] = FMA(w[o], x[k], y[o]);
}
