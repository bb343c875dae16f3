/* uses: softplus1 */
/* Rising quantiles: number `base` as it is, each other its softplus away from its neighbour. */
static inline void quantile_head(float *restrict y, const float *restrict x, int vectors, int count, int base)
{
    int v, i;
    for (v = 0; v < vectors; ++v, y += count, x += count) {
        y[base] = x[base];
        for (i = base + 1; i < count; ++i)
            y[i] = y[i - 1] + softplus1(x[i]);
        for (i = base; i-- > 0;)
            y[i] = y[i + 1] - softplus1(x[i]);
    }
}
