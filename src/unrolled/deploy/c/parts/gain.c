/* uses: normalise */
/* Layer normalisation of a product: gate by gate over its units, times the gain, plus the bias. */
static inline void gain(float *restrict y, const float *restrict by, const float *restrict bias, int gates,
                        int hidden)
{
    int i;
    for (i = 0; i < gates; ++i)
        normalise(y + i * hidden, 1e-5f, hidden);
    for (i = 0; i < gates * hidden; ++i)
        y[i] = y[i] * by[i] + bias[i];
}
