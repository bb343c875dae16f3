/* Quantiles that crossed move out to their neighbour on the base's side. */
static inline void keep_order(float *y, int vectors, int count, int base)
{
    int v, i;
    for (v = 0; v < vectors; ++v, y += count) {
        for (i = base + 1; i < count; ++i)
            y[i] = y[i - 1] > y[i] ? y[i - 1] : y[i];
        for (i = base; i-- > 0;)
            y[i] = y[i + 1] < y[i] ? y[i + 1] : y[i];
    }
}
