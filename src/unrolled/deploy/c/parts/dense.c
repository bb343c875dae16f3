/* uses: accumulate copy zeros */
/* y = W x + b for each of some vectors x. */
static inline void dense(float *restrict y, const float *restrict x, const float *restrict w,
                         const float *restrict bias, int vectors, int inputs, int outputs)
{
    int v;
    for (v = 0; v < vectors; ++v) {
        if (bias)
            copy(y + v * outputs, bias, outputs);
        else
            zeros(y + v * outputs, outputs);
        accumulate(y + v * outputs, w, x + v * inputs, inputs, outputs);
    }
}
