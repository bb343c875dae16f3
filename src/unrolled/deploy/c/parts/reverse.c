/* uses: copy steps_that_count */
/* The steps that count, last first; those behind stay. */
static inline void reverse(float *restrict y, const float *restrict x, const int32_t *length, int steps, int width)
{
    const int count = steps_that_count(length, steps);
    int s;
    for (s = 0; s < steps; ++s)
        copy(y + s * width, x + (s < count ? count - 1 - s : s) * width, width);
}
