/* The mean of the rows so far. */
static inline void pool_mean(float *restrict y, float *restrict sum, float *count, const float *restrict x, int width)
{
    int i;
    *count += 1.0f;
    for (i = 0; i < width; ++i) {
        sum[i] += x[i];
        y[i] = sum[i] / *count;
    }
}
