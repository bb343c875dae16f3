/* uses: copy zeros steps_that_count */
/* The steps behind the length become 0. */
static inline void cut(float *restrict y, const float *restrict x, const int32_t *length, int steps, int width)
{
    const int count = steps_that_count(length, steps);
    copy(y, x, count * width);
    zeros(y + count * width, (steps - count) * width);
}
