/* uses: copy steps_that_count */
/* The largest of each feature over the steps that count; what is not a number stays so. */
static inline void largest_step(float *restrict y, const float *restrict x, const int32_t *length, int steps, int width)
{
    const int count = steps_that_count(length, steps);
    int s, i;
    copy(y, x, width);
    for (s = 1; s < count; ++s) {
        x += width;
        for (i = 0; i < width; ++i)
            y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
    }
}
