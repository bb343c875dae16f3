/* uses: copy normalise */
/* Layer normalisation of each of some vectors; weight and bias may be left out. */
static inline void norm(float *restrict y, const float *restrict x, const float *restrict weight,
                        const float *restrict bias, float epsilon, int vectors, int width)
{
    int v, i;
    for (v = 0; v < vectors; ++v, y += width, x += width) {
        copy(y, x, width);
        normalise(y, epsilon, width);
        for (i = 0; weight && i < width; ++i)
            y[i] *= weight[i];
        for (i = 0; bias && i < width; ++i)
            y[i] += bias[i];
    }
}
