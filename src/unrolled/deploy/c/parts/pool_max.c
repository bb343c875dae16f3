/* The largest of the rows so far; what is not a number stays so. */
static inline void pool_max(float *restrict y, float *restrict most, float *started, const float *restrict x, int width)
{
    int i;
    for (i = 0; i < width; ++i) {
        if (!(*started > 0.0f) || x[i] > most[i] || x[i] != x[i])
            most[i] = x[i];
        y[i] = most[i];
    }
    *started = 1.0f;
}
