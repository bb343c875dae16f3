/* uses: arithmetic */
/* y += scale * (W q), the product in whole numbers. W is stored (outputs, inputs). */
static inline void accumulate_int8(float *restrict y, const int8_t *restrict w, const float *restrict scale,
                                   const int8_t *restrict q, int inputs, int outputs)
{
    int k, o;
    for (o = 0; o < outputs; ++o, w += inputs) {
        int32_t sum = 0;
        for (k = 0; k < inputs; ++k)
            sum += (int32_t)w[k] * q[k];
        y[o] = FMA((float)sum, scale[o], y[o]);
    }
}
