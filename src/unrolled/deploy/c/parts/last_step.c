/* uses: copy steps_that_count */
/* The last step that counts. */
static inline void last_step(float *restrict y, const float *restrict x, const int32_t *length, int steps, int width)
{
    copy(y, x + (steps_that_count(length, steps) - 1) * width, width);
}
