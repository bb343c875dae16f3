/* uses: arithmetic */
/* y += scale * (W x), W in int8 and x in float32. W is stored (outputs, inputs). */
static inline void accumulate_mixed(float *restrict y, const int8_t *restrict w, const float *restrict scale,
                                    const float *restrict x, int inputs, int outputs)
{
    int k, o;
    for (o = 0; o < outputs; ++o, w += inputs) {
        float sum = 0.0f;
        for (k = 0; k < inputs; ++k)
            sum = FMA((float)w[k], x[k], sum);
        y[o] = FMA(sum, scale[o], y[o]);
    }
}
